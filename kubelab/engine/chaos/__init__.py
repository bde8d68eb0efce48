"""What a lab's daemon does for chaos experiments: it injects faults, and undoes them in time."""

from __future__ import annotations

from kubelab.client import Client
from kubelab.engine.apiserver.disturbance import Disturbance
from kubelab.engine.chaos.api import DisturbApi
from kubelab.engine.chaos.endpoints import FlapEndpoints
from kubelab.engine.chaos.experiments import Experiments
from kubelab.engine.chaos.injector import Injector
from kubelab.engine.chaos.names import DisturbNames
from kubelab.engine.chaos.network import DelayPackets, LosePackets
from kubelab.engine.chaos.nodes import Drain, NodeNotReady
from kubelab.engine.chaos.pods import KillPod
from kubelab.engine.nodes import ProcessNode

__all__ = ["Experiments", "injectors"]


def injectors(
    client: Client, node: ProcessNode, disturbance: Disturbance | None, lab: str
) -> dict[str, Injector]:
    """Return what injects each fault into the lab that has a mark."""
    api, loss, names = DisturbApi(disturbance), LosePackets(lab), DisturbNames(node)
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
