"""The objects that a measurement makes: pods that do nothing and ConfigMaps that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kubelab.client import Object
from kubelab.limits.checks import check_above_zero, check_whole
from kubelab.limits.errors import LimitsOptionError
from kubelab.limits.slos import STEADY_CHURN_PER_S
from kubelab.limits.trace import RUN_LABEL
from kubelab.node_template import FAKE_TAINT, NodeTemplate

MOST_WATCHERS = 500
"""Each is a connection, of which many machines allow a process 1,024."""
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
PROCESS_IMAGE = "busybox"
"""What a node stands in for whose pods are processes; it pulls nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked of a cluster.

    Attributes
    ----------
    nodes : int
        Simulated nodes to add for the time; 0 uses the cluster's own.
    pods : int
        How many pods are started at ``pods_per_s``, and then once more all at once.
    pods_per_s : float
        How fast; the objectives are about 20 at most.
    calls : int
        How many requests of each kind are timed.
    watchers : int
        How many watches follow one namespace; at most 500, each a connection.
    changes : int
        How many changes they are sent.
    timeout_s : float
        How long pods are waited for.
    """

    nodes: int = 20
    pods: int = 100
    pods_per_s: float = STEADY_CHURN_PER_S
    calls: int = 100
    watchers: int = 20
    changes: int = 50
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for option in ("pods", "calls", "watchers", "changes"):
            check_whole(option, getattr(self, option), 1, "Give a whole number of at least 1.")
        if self.watchers > MOST_WATCHERS:
            raise LimitsOptionError("watchers", self.watchers, f"Give at most {MOST_WATCHERS}.")
        check_whole("nodes", self.nodes, 0, "Give 0 for the cluster's own nodes, or a whole number above.")
        for option in ("pods_per_s", "timeout_s"):
            check_above_zero(option, getattr(self, option))
        if self.nodes:
            self.check_room(f"{self.nodes} simulated nodes", self.nodes * NodeTemplate().pods)

    def check_room(self, what: str, room: int) -> None:
        """Refuse more pods than nodes hold."""
        if 2 * self.pods > room:
            remedy = f"{what} hold {room} pods, and two times {self.pods} are started."
            raise LimitsOptionError("pods", self.pods, f"{remedy} Add simulated nodes, or start fewer.")

    @property
    def longest_s(self) -> float:
        """After how long a run has ended, one way or the other."""
        return 3 * self.timeout_s + self.pods / self.pods_per_s + 60


def namespace(name: str) -> Object:
    """Return the namespace of a run."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pod(name: str, run: str, *, on: Literal["simulated", "processes", "any"]) -> Object:
    """Return a pod that does nothing: on the run's own simulated nodes, or on the cluster's.

    On simulated nodes it asks for enough that the scheduler spreads pods over them, elsewhere for next to
    nothing. Where pods are processes it sleeps.
    """
    requests = {"cpu": "250m", "memory": "1Gi"} if on == "simulated" else {"cpu": "1m", "memory": "1Mi"}
    container: Object = {"name": "pause", "image": PAUSE_IMAGE, "resources": {"requests": requests}}
    if on == "processes":
        container |= {"image": PROCESS_IMAGE, "command": ["sleep", "86400"]}
    spec: Object = {
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
    }
    if on == "simulated":
        spec["nodeSelector"] = {RUN_LABEL: run}
        spec["tolerations"] = [{"key": FAKE_TAINT["key"], "operator": "Exists"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def config_map(name: str) -> Object:
    """Return a ConfigMap to read and change."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"turn": "0"}}
