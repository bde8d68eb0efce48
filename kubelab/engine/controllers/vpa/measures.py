"""What the loops of the vertical pod autoscaler count, under upstream's names.

Upstream: ``pkg/utils/metrics/{updater,recommender}`` of VPA 1.7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from kubelab.engine.measures import Measures, Reading

_UPDATER = "vpa_updater_"
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


def _readings(gauge: Gauge) -> Callable[[], Iterable[Reading]]:
    return lambda: ((labels, float(number)) for labels, number in sorted(gauge.items()))


def _log2(size: int) -> str:
    return str(max(size, 1).bit_length() - 1)
