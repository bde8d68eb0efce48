"""What a ClusterAutoscaler object asks for, under the names of Cluster Autoscaler's flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from kubelab.autoscaling.scale_down import Thresholds
from kubelab.client import Object


@dataclass(frozen=True, slots=True)
class Settings:
    """A ClusterAutoscaler's spec with upstream's defaults (1.36.1).

    Attributes
    ----------
    max_nodes : int
        Of the whole cluster; 0 is without limit.
    new_pod_delay : timedelta
        Pods that are younger cause no scale-up.
    consolidate : bool
        Whether nodes are replaced by cheaper ones, which is not upstream's.
    """

    expander: str = "least-waste"
    scan_s: float = 10.0
    seed: int = 0
    balance_similar: bool = False
    max_nodes: int = 0
    max_nodes_per_scale_up: int = 1000
    max_node_provision: timedelta = timedelta(minutes=15)
    new_pod_delay: timedelta = timedelta(0)
    scale_down: bool = True
    thresholds: Thresholds = field(default_factory=Thresholds)
    delay_after_add: timedelta = timedelta(minutes=10)
    delay_after_delete: timedelta = timedelta(0)
    delay_after_failure: timedelta = timedelta(minutes=3)
    consolidate: bool = False
    grpc_url: str = ""
    grpc_certificate: str = ""

    @staticmethod
    def of(obj: Object) -> Settings:
        """Read a ClusterAutoscaler object."""
        spec = obj.get("spec") or {}
        down = spec.get("scaleDown") or {}
        remote = spec.get("grpcExpander") or {}
        return Settings(
            expander=spec.get("expander", "least-waste"),
            scan_s=float(spec.get("scanIntervalSeconds", 10)),
            seed=int(spec.get("seed", 0)),
            balance_similar=bool(spec.get("balanceSimilarNodeGroups", False)),
            max_nodes=int(spec.get("maxNodesTotal", 0)),
            max_nodes_per_scale_up=int(spec.get("maxNodesPerScaleUp", 1000)),
            max_node_provision=_seconds(spec, "maxNodeProvisionSeconds", 900),
            new_pod_delay=_seconds(spec, "newPodScaleUpDelaySeconds", 0),
            scale_down=bool(down.get("enabled", True)),
            thresholds=Thresholds(
                utilization=float(down.get("utilizationThreshold", 0.5)),
                unneeded=_seconds(down, "unneededSeconds", 600),
                unready=_seconds(down, "unreadySeconds", 1200),
            ),
            delay_after_add=_seconds(down, "delayAfterAddSeconds", 600),
            delay_after_delete=_seconds(down, "delayAfterDeleteSeconds", 0),
            delay_after_failure=_seconds(down, "delayAfterFailureSeconds", 180),
            consolidate=bool(down.get("consolidate", False)),
            grpc_url=remote.get("url", ""),
            grpc_certificate=remote.get("certificate", ""),
        )


def _seconds(spec: Object, key: str, default: int) -> timedelta:
    return timedelta(seconds=float(spec.get(key, default)))
