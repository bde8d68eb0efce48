"""`dump`: a real cluster's pods and nodes as a scenario, to try another policy on them."""

from __future__ import annotations

from pathlib import Path

from kubelab.client import Object
from kubelab.scenarios.dump_file import read
from kubelab.scenarios.dumped_nodes import node_groups
from kubelab.scenarios.dumped_pods import is_alive, workloads
from kubelab.scenarios.scenario import Scenario, scenario


def dump(
    path: str | Path, *, hours: float = 6, from_zero: bool = False, job_seconds: float = 3600
) -> Scenario:
    """Return a cluster as ``kubectl get pods,nodes --all-namespaces -o json`` wrote it.

    Pods come from workloads like their owners, all at once, and go where the scheduler puts them now. Nodes
    become node groups by pool, type, zone, how they are bought and taints, at the catalogue's prices; a type
    that it has not has none. Finished and mirror pods are left out, and so are claims of volumes and
    devices, which a dump of pods does not hold.

    Parameters
    ----------
    path : path
        The file.
    hours : float
        How long the scenario takes.
    from_zero : bool
        Begin without nodes but the control plane's, so that the autoscaler buys them all; by default there
        are as many as in the dump.
    job_seconds : float
        How long pods of Jobs run, which a dump does not say.

    Raises
    ------
    DumpError
        If the file is missing, or is no such dump; it says what is wrong, and where.
    """
    found = read(Path(path))
    pods = [pod for pod in found.pods if is_alive(pod)]
    groups = node_groups(found.nodes, from_zero=from_zero)
    return scenario(
        "dump",
        _about(Path(path), len(pods), len(found.pods) - len(pods), len(found.nodes), groups),
        seed=0,
        hours=hours,
        node_groups=groups,
        actions=workloads(pods, job_seconds=job_seconds),
    )


def _about(path: Path, pods: int, left_out: int, nodes: int, groups: list[Object]) -> str:
    unpriced = [group["metadata"]["name"] for group in groups if "priceUsdPerHour" not in group["spec"]]
    without = f" No price is known of {', '.join(unpriced)}." if unpriced else ""
    out = f"; {left_out} that had finished or mirror a kubelet's are left out" if left_out else ""
    return f"{pods} pods and {nodes} nodes, as {path.name} has them{out}.{without}"
