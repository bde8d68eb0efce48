"""Kubecost's request sizing.

Source: Kubecost's "Container Request Right Sizing" API V2 (documentation of 2026-07): the highest use, or a
quantile of it, by a target utilisation of 0.7; at least 10m of CPU and 20Mi of memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Recommendation
from kubelab.rightsizing.strategies.strategy import DAY_S, MIB, Amount, recommend

CPU_FLOOR = 0.010
MEMORY_FLOOR = 20 * MIB


@dataclass(frozen=True, slots=True)
class Kubecost:
    """The highest use by a target utilisation.

    Parameters
    ----------
    utilization : float
        How much of its request a container shall use at its peak, from 0 to 1.
    """

    name: str = "kubecost"
    utilization: float = 0.7
    lookback_s: float = 7 * DAY_S
    needed: int = 1

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        floor = CPU_FLOOR if history.resource == "cpu" else MEMORY_FLOOR
        said = f"highest use / {self.utilization:g}"
        asked = Amount(history.peak() / self.utilization, said).at_least(floor)
        return recommend(history, asked, limit=None)
