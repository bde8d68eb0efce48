"""CAST AI's workload autoscaler with its first defaults.

Source: CAST AI's documentation of scaling policies (pages of 2026-07): the 80th percentile of CPU and the
highest memory and 10 %, over five days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Recommendation
from kubelab.rightsizing.strategies.strategy import DAY_S, Amount, recommend

CPU_QUANTILE = 0.8
MEMORY_MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Cast:
    """The 80th percentile of CPU, the highest memory and a tenth."""

    name: str = "cast"
    lookback_s: float = 5 * DAY_S
    needed: int = 1

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        if history.resource == "cpu":
            asked = Amount(float(np.quantile(history.values, CPU_QUANTILE)), "P80 of use")
        else:
            asked = Amount(history.peak(), "highest use").times(MEMORY_MARGIN)
        return recommend(history, asked, limit=None if history.resource == "cpu" else asked.value)
