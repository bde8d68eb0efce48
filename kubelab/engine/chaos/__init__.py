"""What a lab's daemon does for chaos experiments: it injects faults, and undoes them in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.client import Client
from kubelab.engine.apiserver.disturbance import Disturbance
from kubelab.engine.chaos.api import DisturbApi
from kubelab.engine.chaos.endpoints import FlapEndpoints
from kubelab.engine.chaos.experiments import Experiments
from kubelab.engine.chaos.injector import Injector
from kubelab.engine.chaos.names import DisturbNames
from kubelab.engine.chaos.network import DelayPackets, LosePackets, lab_of
from kubelab.engine.chaos.nodes import Drain, NodeNotReady
from kubelab.engine.chaos.pods import KillPod
from kubelab.engine.nodes import ProcessNode

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Experiments", "injectors"]


def injectors(
    client: Client, node: ProcessNode, disturbance: Disturbance | None, folder: Path
) -> dict[str, Injector]:
    """Return what injects each fault into the lab that has a folder."""
    api, names, lab = DisturbApi(disturbance), DisturbNames(node), lab_of(folder)
    loss = LosePackets(lab)
    return {
        "kill-pod": KillPod(client),
        "node-not-ready": NodeNotReady(node),
        "drain": Drain(client),
        "api-latency": api,
        "api-errors": api,
        "network-delay": DelayPackets(lab),
        "network-loss": loss,
        "network-partition": loss,
        "dns-drop": names,
        "dns-delay": names,
        "endpoint-flap": FlapEndpoints(client),
    }
