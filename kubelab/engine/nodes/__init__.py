"""The process node: the kubelet of a lab cluster, which runs pods as processes of this machine.

Two sides meet in files. The *node side* (`ProcessNode`, in the control plane's process) watches pods,
resolves their environment, volumes and names into a plan, and reports their status. The *pod side*
(`supervisor`, one process for each pod) carries the plan out, needs only the standard library, and lives
on when the control plane does not.

Nodes without a machine are in `simulated`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubelab.engine.nodes.isolation import Isolation, probe
    from kubelab.engine.nodes.node import ProcessNode, ServerAddress
    from kubelab.engine.nodes.processes import end_all

__all__ = ["Isolation", "ProcessNode", "ServerAddress", "end_all", "probe"]

_HOMES = {
    "Isolation": "isolation",
    "ProcessNode": "node",
    "ServerAddress": "node",
    "end_all": "processes",
    "probe": "isolation",
}


def __getattr__(name: str) -> Any:  # the pod side must not pay for the node side
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
