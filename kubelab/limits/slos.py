"""What Kubernetes promises and up to which size: its published objectives and thresholds.

Source: kubernetes/community ``sig-scalability/slos/{api_call_latency,pod_startup_latency,slos}.md`` and
``sig-scalability/configs-and-limits/thresholds.md``, read in July 2026. Names of measurements are those of
kubernetes/perf-tests' clusterloader2 and of kube-burner, so that numbers can be compared with theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

PROMISED_QUANTILE = 0.99
"""All objectives are about the 99th percentile."""
STEADY_CHURN_PER_S = 20.0
"""Changes of pods and requests of users a second up to which a cluster is in steady state (``slos.md``)."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What the 99th percentile of something measured shall not pass.

    Attributes
    ----------
    name : str
        Short, such as ``reading a namespace``.
    limit_s : float or None
        Seconds; None where Kubernetes has published no objective.
    clusterloader2, kube_burner : str
        What these tools call the measurement; "" where they have none.
    """

    name: str
    limit_s: float | None
    clusterloader2: str = ""
    kube_burner: str = ""


_CALLS = "APIResponsivenessPrometheus"

MUTATING = Objective("mutating call", 1.0, _CALLS)
READ_OBJECT = Objective("reading an object", 1.0, _CALLS)
READ_NAMESPACE = Objective("reading a namespace", 30.0, _CALLS)
READ_CLUSTER = Objective("reading the cluster", 30.0, _CALLS)
POD_START = Objective("pod start", 5.0, "PodStartupLatency", "podLatency")
SCHEDULING = Objective("pod scheduled", None, "PodStartupLatency", "podLatency")
WATCH = Objective("change seen by a watch", None)

OBJECTIVES = (MUTATING, READ_OBJECT, READ_NAMESPACE, READ_CLUSTER, POD_START, SCHEDULING, WATCH)

SCHEDULING_THROUGHPUT = "SchedulingThroughput"
"""What clusterloader2 calls pods scheduled a second; kube-burner has no name for it."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Up to how many of something the objectives are meant to hold, in the largest cluster.

    Attributes
    ----------
    what : str
        Such as ``pods in a namespace``.
    most : int
        The published number.
    """

    what: str
    most: int


NODES_MOST = Threshold("nodes", 5_000)
PODS_MOST = Threshold("pods", 150_000)
PODS_OF_NAMESPACE_MOST = Threshold("pods in a namespace", 3_000)
SERVICES_MOST = Threshold("Services", 10_000)
SERVICES_OF_NAMESPACE_MOST = Threshold("Services in a namespace", 5_000)
ENDPOINTS_MOST = Threshold("endpoints of a Service", 250)
NAMESPACES_MOST = Threshold("namespaces", 10_000)
PODS_OF_NODE = "pods on a node"


def pods_of_node_most(cores: float) -> Threshold:
    """Return how many pods a node of so many cores may have: min(110, 10 x cores)."""
    return Threshold(PODS_OF_NODE, min(110, int(10 * cores)))
