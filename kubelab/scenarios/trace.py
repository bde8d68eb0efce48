"""`openb`: some hours of a GPU cluster's trace, on priced node groups instead of its own nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kubelab.client import Object
from kubelab.errors import KubelabError
from kubelab.scenarios.groups import GPU, MILLIGPU, MIXED, groups, shared_gpu_groups
from kubelab.scenarios.objects import job, namespace
from kubelab.scenarios.scenario import Action, Scenario, scenario

if TYPE_CHECKING:
    from kubelab.scheduling.packing.gpus import Demand
    from kubelab.scheduling.packing.openb import Arrival

HOUR = 3600.0
NAMESPACE = "openb"
WHOLE = ("gr6.4xlarge", "gr6.8xlarge", "g6.12xlarge", "g6.24xlarge", "g6.48xlarge", "p5.48xlarge")
SHARED = ("g4dn.2xlarge", "g4dn.4xlarge", "g6.4xlarge")


class EmptyTraceError(KubelabError, ValueError):
    """No pod of the trace lives in the hours that were asked for.

    Attributes
    ----------
    begin_hours, last_hours : float
        Where the hours begin, and when the last pod comes.
    """

    def __init__(self, path: Path, begin_hours: float, last_hours: float) -> None:
        self.begin_hours, self.last_hours = begin_hours, last_hours
        super().__init__(
            f"{path}: no pod lives from hour {begin_hours:g} on; the last comes in hour {last_hours:.0f}. "
            "Give a smaller begin_hours."
        )


def openb(pods: str | Path, *, begin_hours: float = 148 * 24, hours: float = 24) -> Scenario:
    """Return some hours of a pod list in the format of Alibaba's cluster-trace-gpu-v2023.

    Each pod is a Job of one pod that runs as long as the trace's lived; what lives as the hours begin is
    there from the first. Whole GPUs are asked for as ``nvidia.com/gpu``, parts of one as
    ``kubelab.dev/milligpu`` of nodes that share theirs. ``gpu_spec`` and ``qos`` are left out: the trace's
    models have no price.

    Parameters
    ----------
    pods : path
        Such as ``openb_pod_list_default.csv``.
    begin_hours : float
        Where to begin, in hours since the trace began; by default its last whole day, the busiest.

    Raises
    ------
    TraceError
        If the file is missing, lacks a column, or has a value that makes no sense; with its line.
    EmptyTraceError
        If no pod lives in those hours.
    """
    from kubelab.scheduling.packing.openb import read_arrivals  # numpy takes long to import

    path = Path(pods)
    arrivals = read_arrivals(path)
    begin_s, end_s = begin_hours * HOUR, (begin_hours + hours) * HOUR
    alive = [each for each in arrivals if each.created_s < end_s and each.deleted_s > begin_s]
    if not alive:
        last_s = max((each.created_s for each in arrivals), default=0)
        raise EmptyTraceError(path, begin_hours, last_s / HOUR)
    actions = [namespace(NAMESPACE, "research"), *(_job(each, begin_s) for each in alive)]
    about = f"{len(alive)} pods of the trace {path.name}, from its hour {begin_hours:g} on."
    return scenario("openb", about, seed=0, hours=hours, node_groups=_node_groups(), actions=actions)


def _job(arrival: Arrival, begin_s: float) -> Action:
    at_s = max(arrival.created_s, begin_s)
    requests = _requests(arrival.demand)
    devices = [name for name in requests if "/" in name]
    pod = {"tolerations": [{"key": name, "operator": "Exists"} for name in devices]} if devices else {}
    seconds = arrival.deleted_s - at_s
    return job(at_s - begin_s, arrival.name, NAMESPACE, 1, requests, seconds=seconds, **pod)


def _requests(demand: Demand) -> dict[str, str]:
    requests = {"cpu": f"{demand.cpu_millicores}m", "memory": f"{demand.memory_mib}Mi"}
    if demand.shares:
        requests[MILLIGPU] = f"{demand.gpu_milli}"
    elif demand.gpus:
        requests[GPU] = f"{demand.gpus}"
    return requests


def _node_groups() -> list[Object]:
    """Return groups with room for every pod of the trace; GPU nodes are for pods that ask for GPUs."""
    return [
        *groups((*MIXED, "m6i.16xlarge")),
        *groups(WHOLE, taints=[{"key": GPU, "effect": "NoSchedule"}]),
        *shared_gpu_groups(SHARED, taints=[{"key": MILLIGPU, "effect": "NoSchedule"}]),
    ]
