"""What the loop counts, under upstream's names (``metrics/metrics.go`` of Cluster Autoscaler 1.36.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from kubelab.autoscaling.status import GroupState
from kubelab.clock import monotonic
from kubelab.engine.measures import Measures, Reading

_P = "cluster_autoscaler_"
_BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)


class LoopMeasures:
    """Counters, and readings of what the loop saw last."""

    def __init__(self, measures: Measures) -> None:
        self.groups: Sequence[GroupState] = ()
        self.unschedulable = 0
        self.unremovable: Mapping[str, int] = {}
        self.safe = True
        self.cooling = False
        self._durations = measures.histograms(
            f"{_P}function_duration_seconds", "Time taken by parts of the loop.", _BOUNDS, ("function",)
        )
        self.scaled_up = measures.counters(f"{_P}scaled_up_nodes_total", "Nodes added.").of()
        self._scaled_down = measures.counters(
            f"{_P}scaled_down_nodes_total", "Nodes removed, by reason.", ("reason",)
        )
        self._failed = measures.counters(
            f"{_P}failed_scale_ups_total", "Times that nodes did not come, by reason.", ("reason",)
        )
        self.evicted = measures.counters(f"{_P}evicted_pods_total", "Pods evicted from nodes.").of()
        for name, meaning, labels, take in (
            ("cluster_safe_to_autoscale", "Whether the cluster is healthy enough.", (), self._safe),
            ("nodes_count", "Nodes, by state.", ("state",), self._nodes),
            ("node_groups_count", "Node groups.", ("node_group_type",), self._group_count),
            ("unschedulable_pods_count", "Pods without room.", ("type",), self._pods),
            ("unneeded_nodes_count", "Nodes that are not needed.", (), self._unneeded),
            ("unremovable_nodes_count", "Nodes that have to stay, by reason.", ("reason",), self._kept),
            ("scale_down_in_cooldown", "Whether scale-down waits.", (), self._cooldown),
            ("node_group_min_count", "Smallest size.", ("node_group",), lambda: self._sizes("min_size")),
            ("node_group_max_count", "Largest size.", ("node_group",), lambda: self._sizes("max_size")),
            ("node_group_target_count", "Size asked for.", ("node_group",), lambda: self._sizes("target")),
        ):
            measures.read("gauge", f"{_P}{name}", meaning, labels, take)

    @contextmanager
    def timed(self, function: str) -> Iterator[None]:
        """Observe how long a part takes."""
        began_s = monotonic()
        try:
            yield
        finally:
            self._durations.of(function).observe(monotonic() - began_s)

    def failed(self, reason: str) -> None:
        """Count a failed scale-up."""
        self._failed.of(reason).value += 1

    def scaled_down(self, reason: str) -> None:
        """Count a removed node."""
        self._scaled_down.of(reason).value += 1

    def _safe(self) -> list[Reading]:
        return [((), float(self.safe))]

    def _nodes(self) -> list[Reading]:
        states = ("ready", "unready", "not_started")
        found: list[Reading] = [
            ((state.replace("_s", "S"),), float(sum(getattr(group.counts, state) for group in self.groups)))
            for state in states
        ]
        return found

    def _group_count(self) -> list[Reading]:
        return [(("autoscaled",), float(len(self.groups)))]

    def _pods(self) -> list[Reading]:
        return [(("unschedulable",), float(self.unschedulable))]

    def _unneeded(self) -> list[Reading]:
        return [((), float(sum(group.candidates for group in self.groups)))]

    def _kept(self) -> list[Reading]:
        return [((reason,), float(count)) for reason, count in self.unremovable.items()]

    def _cooldown(self) -> list[Reading]:
        return [((), float(self.cooling))]

    def _sizes(self, which: str) -> list[Reading]:
        return [((group.name,), float(getattr(group, which))) for group in self.groups]
