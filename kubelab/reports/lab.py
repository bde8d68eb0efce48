"""Serve the notebooks in JupyterLab, with a cluster behind them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from kubelab.cluster import Cluster

_FIRST = "tutorials/01-distributed-jax.ipynb"
_SETTINGS = Path(__file__).with_name("jupyter")
"""JupyterLab's defaults for newcomers: no question about news before the first cell."""


def serve_lab(cluster: Cluster, notebooks: Path, options: Sequence[str] = ()) -> NoReturn:
    """Become JupyterLab, open on the first notebook.

    The cluster goes on when JupyterLab ends, so that running jobs are not lost.
    """
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBELAB_CLUSTER": cluster.name,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "JUPYTER_CONFIG_PATH": os.pathsep.join(
            filter(None, (os.environ.get("JUPYTER_CONFIG_PATH"), str(_SETTINGS)))
        ),
    }
    cluster.close()
    sys.stdout.flush()
    os.execve(sys.executable, jupyter_command(notebooks, options), environment)  # noqa: S606 - no shell


def jupyter_command(notebooks: Path, options: Sequence[str]) -> list[str]:
    """Return the command that serves a folder: as root or not, with a display or without."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebooks}"]
    command.append(f"--LabApp.default_url=/lab/tree/{_FIRST}")
    command += ["--ServerApp.use_redirect_file=False", "--log-level=WARN"]
    if os.geteuid() == 0:
        command.append("--allow-root")
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        command.append("--no-browser")
    return [*command, *options]
