"""Training jobs on Kubernetes: what launches them, and what their functions call.

In a training function, `context`, `report` and `fingerprint`; in a notebook, `kubelab.Cluster.train` gives a
`TrainJob`. A pod imports only the first three and what they need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kubelab.training.pod.context import context, fingerprint, report

if TYPE_CHECKING:
    from kubelab.training.errors import JobFailedError, JobStoppedError, JobTimeoutError, LaunchError
    from kubelab.training.handle import TrainJob
    from kubelab.training.metrics import parse_metrics

__all__ = [
    "JobFailedError",
    "JobStoppedError",
    "JobTimeoutError",
    "LaunchError",
    "TrainJob",
    "context",
    "fingerprint",
    "parse_metrics",
    "report",
]

_HOMES = {
    "JobFailedError": "errors",
    "JobStoppedError": "errors",
    "JobTimeoutError": "errors",
    "LaunchError": "errors",
    "TrainJob": "handle",
    "parse_metrics": "metrics",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
