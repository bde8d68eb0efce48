"""Finds the real control plane's programs, as setup-envtest and its users do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubelab.engine.apiserver.version import KUBERNETES_VERSION
from kubelab.errors import KubelabError

ASSETS = "KUBEBUILDER_ASSETS"
"""A folder of programs: sigs.k8s.io/controller-runtime/pkg/internal/testing/process/bin_path_finder.go."""

_NEEDED = ("etcd", "kube-apiserver")


class BinariesMissingError(KubelabError):
    """The real control plane's programs are not on this machine."""

    def __init__(self, missing: tuple[str, ...], assets: str) -> None:
        self.missing = missing
        self.assets = assets
        where = f"in {ASSETS}={assets} or on PATH" if assets else f"on PATH, and {ASSETS} is not set"
        super().__init__(
            f"the engine 'binaries' needs {' and '.join(missing)}, not found {where}. Get them with "
            "`go run sigs.k8s.io/controller-runtime/tools/setup-envtest@latest use "
            f"{KUBERNETES_VERSION}.x -p path`, set {ASSETS} to the path it prints, and try again; "
            "or leave --engine out: the embedded engine needs nothing."
        )


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs are; None for one that is not here, whose work kubelab then does."""

    etcd: Path
    kube_apiserver: Path
    kube_scheduler: Path | None = None
    kube_controller_manager: Path | None = None


def find(environment: Mapping[str, str] = os.environ) -> Binaries:
    """Return the programs in ``KUBEBUILDER_ASSETS``, or else on PATH.

    Raises
    ------
    BinariesMissingError
        If there is no etcd or no kube-apiserver.
    """
    assets = environment.get(ASSETS, "")
    search = os.pathsep.join(part for part in (assets, environment.get("PATH", "")) if part)

    def located(name: str) -> Path | None:
        found = shutil.which(name, path=search)
        return Path(found).absolute() if found else None

    etcd, kube_apiserver = (located(name) for name in _NEEDED)
    if etcd is None or kube_apiserver is None:
        raise BinariesMissingError(tuple(name for name in _NEEDED if located(name) is None), assets)
    return Binaries(etcd, kube_apiserver, located("kube-scheduler"), located("kube-controller-manager"))
