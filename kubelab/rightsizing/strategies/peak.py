"""The simplest rule of all: what was used at most, and a margin on memory, which cannot be squeezed."""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Recommendation
from kubelab.rightsizing.strategies.strategy import DAY_S, Amount, recommend

MEMORY_MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest use."""

    name: str = "peak"
    lookback_s: float = 14 * DAY_S
    needed: int = 1

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        asked = Amount(history.peak(), "highest use")
        if history.resource == "memory":
            asked = asked.times(MEMORY_MARGIN)
        return recommend(history, asked, limit=None if history.resource == "cpu" else asked.value)
