"""What the loops of the vertical pod autoscaler count, under upstream's names.

Upstream: ``pkg/utils/metrics/{updater,recommender}`` of VPA 1.7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from kubelab.clock import monotonic
from kubelab.engine.measures import Measures, Reading

_UPDATER = "vpa_updater_"
_RECOMMENDER = "vpa_recommender_"
_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
_SIZE = "vpa_size_log2"
_MODE = "update_mode"

Gauge = Counter[tuple[str, ...]]
"""Numbers by the values of their labels."""


class UpdaterMeasures:
    """Counters of the updater, and gauges of its last round."""

    def __init__(self, measures: Measures) -> None:
        self._controlled, self._evictable, self._updatable = Gauge(), Gauge(), Gauge()
        self._evicted = measures.counters(
            f"{_UPDATER}evicted_pods_total", "Pods evicted by the updater.", (_SIZE, _MODE)
        )
        self._resized = measures.counters(
            f"{_UPDATER}in_place_updated_pods_total", "Pods resized in place by the updater.", (_SIZE,)
        )
        both = (_SIZE, _MODE)
        for name, meaning, labels, gauge in (
            ("controlled_pods_total", "Pods that an autoscaler is in charge of.", both, self._controlled),
            ("evictable_pods_total", "Pods that were to be evicted.", both, self._evictable),
            ("in_place_updatable_pods_total", "Pods that were to be resized.", (_SIZE,), self._updatable),
        ):
            measures.read("gauge", f"{_UPDATER}{name}", meaning, labels, _readings(gauge))

    def begin(self) -> None:
        """Begin a round: what the last one saw is over."""
        for gauge in (self._controlled, self._evictable, self._updatable):
            gauge.clear()

    def saw(self, mode: str, size: int, verbs: Mapping[str, int]) -> None:
        """Count the pods of one autoscaler, and those that were to be evicted or resized."""
        self._controlled[_log2(size), mode] += size
        self._evictable[_log2(size), mode] += verbs.get("evict", 0)
        self._updatable[(_log2(size),)] += verbs.get("resize", 0)

    def evicted(self, mode: str, size: int) -> None:
        """Count an eviction."""
        self._evicted.of(_log2(size), mode).value += 1

    def resized(self, size: int) -> None:
        """Count a resize."""
        self._resized.of(_log2(size)).value += 1


class RecommenderMeasures:
    """How long the recommender's rounds take, and what the last one saw.

    Attributes
    ----------
    groups : int
        Of how many sets of containers samples are remembered.
    """

    def __init__(self, measures: Measures) -> None:
        self.groups = 0
        self._objects = Gauge()
        self._latency = measures.histograms(
            f"{_RECOMMENDER}execution_latency_seconds", "Time spent in a round's steps.", _BOUNDS, ("step",)
        )
        labels = ("update_mode", "has_recommendation", "matches_pods", "unsupported_config")
        read, told = _readings(self._objects), "VerticalPodAutoscalers."
        measures.read("gauge", f"{_RECOMMENDER}vpa_objects_count", told, labels, read)
        measures.read(
            "gauge",
            f"{_RECOMMENDER}aggregate_container_states_count",
            "Sets of containers whose samples are remembered.",
            (),
            lambda: [((), float(self.groups))],
        )

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Observe how long a step takes."""
        began_s = monotonic()
        try:
            yield
        finally:
            self._latency.of(step).observe(monotonic() - began_s)

    def begin(self) -> None:
        """Begin a round: what the last one saw is over."""
        self._objects.clear()

    def saw(self, mode: str, *, recommended: bool, matched: bool, supported: bool) -> None:
        """Count an autoscaler."""
        said = (str(each).lower() for each in (recommended, matched, not supported))
        self._objects[mode, *said] += 1


def _readings(gauge: Gauge) -> Callable[[], Iterable[Reading]]:
    return lambda: ((labels, float(number)) for labels, number in sorted(gauge.items()))


def _log2(size: int) -> str:
    return str(max(size, 1).bit_length() - 1)
