"""``kubelab demo``: the first notebook's job in a terminal."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

from kubelab.cluster import Cluster
from kubelab.errors import KubelabError
from kubelab.reports.library import notebook_folder, report_path
from kubelab.reports.runner import run_report

_EACH = {"cpu": "500m", "memory": "1Gi"}
"""Two workers fit on one core, as on Binder."""
_NOTEBOOK = "tutorials/01-distributed-jax.ipynb"


def run_demo(name: str, *, html: Path, steps: int, num_nodes: int) -> Path:
    """Train the digits of tutorial 01 with a progress bar, then report on the job.

    Returns
    -------
    Path
        The HTML report.
    """
    with Cluster.connect(name) as cluster:
        fn = tagged_function(notebook_folder() / _NOTEBOOK, "train")
        job = cluster.train(fn, num_nodes=num_nodes, args={"steps": steps}, resources=_EACH)
        try:
            job.wait()
        except KeyboardInterrupt:
            raise KubelabError(
                f"{job.kind} {job.name} goes on. `kubelab demo` does not wait for it any more; "
                f"`kubectl delete {job.kind.lower()} {job.name}` ends it."
            ) from None
        return run_report(report_path("job-report"), {"job": job.name, "cluster": name}, html)


def tagged_function(notebook: Path, name: str) -> Any:
    """Return a function that the notebook's cells tagged ``job`` define.

    Raises
    ------
    KubelabError
        If no such cell defines it.
    """
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    source = "\n\n".join(cell.source for cell in cells if "job" in cell.metadata.get("tags", []))
    filename = f"<{notebook.name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, filename, "exec"), scope)  # noqa: S102 - our own notebook
    if name not in scope:
        raise KubelabError(f"{notebook.name} has no cell tagged 'job' that defines {name}().")
    return scope[name]
