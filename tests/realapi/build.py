"""Builds the real etcd and Kubernetes control plane from the published modules, into the user's cache.

``python -m tests.realapi.build`` takes minutes the first time and nothing after. The tests of the engine
``binaries`` use what is in ``KUBEBUILDER_ASSETS`` where that is set, else what was built here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

FOLDER = Path(__file__).parent
PROGRAMS = ("etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager")
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


class UnavailableError(Exception):
    """The programs are not here and cannot be built; the message says why."""


def version() -> str:
    """Return which Kubernetes go.mod names."""
    found = re.search(r"^\tk8s\.io/kubernetes (v\S+)$", (FOLDER / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def assets() -> Path:
    """Return the folder of the programs.

    Raises
    ------
    UnavailableError
        If they were not built.
    """
    given = os.environ.get("KUBEBUILDER_ASSETS")
    folder = Path(given) if given else cache()
    missing = [name for name in PROGRAMS if not (folder / name).exists()]
    if missing:
        remedy = "put them there" if given else "build them with `make realapi`, which needs Go"
        raise UnavailableError(f"{', '.join(missing)} not in {folder}: {remedy}")
    return folder


def cache() -> Path:
    """Return where a build goes."""
    return platformdirs.user_cache_path("kubelab") / "realapi" / version()


def build() -> Path:
    """Build what is missing and return the folder; a build that is cut off leaves nothing in it.

    Raises
    ------
    UnavailableError
        If there is no Go, or it cannot build.
    """
    try:
        return assets()
    except UnavailableError:
        if os.environ.get("KUBEBUILDER_ASSETS"):
            raise
    go = shutil.which("go")
    if go is None:
        raise UnavailableError("there is no `go` on PATH: install Go, or set KUBEBUILDER_ASSETS")
    cache().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=cache().parent) as draft:
        for number, name in enumerate(PROGRAMS, 1):
            print(f"building {name} {version()} ({number}/{len(PROGRAMS)}) …", flush=True)
            _compile(go, name, Path(draft))
        for name in PROGRAMS:
            cache().mkdir(exist_ok=True)
            Path(draft, name).replace(cache() / name)
    return assets()


def _compile(go: str, name: str, folder: Path) -> None:
    major, minor, _ = version().removeprefix("v").split(".", 2)
    facts = {
        "gitVersion": version(),
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": "",
        "gitTreeState": "clean",
    }
    stamps = [f"-X {each}.{key}={value}" for each in VERSION_PACKAGES for key, value in facts.items()]
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", " ".join(("-s -w", *stamps))]
    done = subprocess.run(
        [*command, "-o", str(folder / name), f"./{name}"],
        cwd=FOLDER,
        env={**os.environ, "CGO_ENABLED": "0"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnavailableError(f"`go build ./{name}` failed:\n{done.stderr.strip()[-2000:]}")


def main() -> int:
    """Build; 1 with the reason if that cannot be done."""
    try:
        print(f"The real control plane {version()} is in {build()}.")
    except UnavailableError as error:
        print(f"The real control plane is not here: {error}.", file=sys.stderr)
        print("The tests and benchmarks of the engine 'binaries' will be skipped.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
