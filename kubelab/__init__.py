"""A Kubernetes lab for notebooks: ``pip install`` brings the cluster, and it really runs your JAX jobs."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubelab.cluster import Cluster
    from kubelab.errors import KubelabError

__all__ = ["Cluster", "KubelabError", "__version__"]
__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {"Cluster": "kubelab.cluster", "KubelabError": "kubelab.errors"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
