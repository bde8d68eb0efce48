"""DevZero's three presets.

Source: DevZero's documentation of workload policies (pages of 2026-07): balanced takes the highest use, cuts
at most half of the request, and brings the limit to three quarters of what it was; aggressive takes the 90th
percentile of the hours' peaks; conservative the highest use and 20 %. History is a day. The pages say "P90 of
max" without its step; an hour is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Recommendation
from kubelab.rightsizing.strategies.strategy import DAY_S, Amount, recommend

CONSERVATIVE_MARGIN = 1.2
CUT_AT_MOST = 0.5
LIMIT_KEPT = 0.75
STEP_S = 3600.0


@dataclass(frozen=True, slots=True)
class DevZero:
    """One of the presets."""

    preset: Literal["balanced", "aggressive", "conservative"]
    lookback_s: float = DAY_S
    needed: int = 1

    @property
    def name(self) -> str:
        """How a cell asks for it."""
        return f"devzero-{self.preset}"

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        asked = self._asked(history)
        limit = None if history.limit is None else max(LIMIT_KEPT * history.limit, asked.value)
        return recommend(history, asked, limit=limit)

    def _asked(self, history: History) -> Amount:
        highest = Amount(history.peak(), "highest use")
        match self.preset:
            case "balanced":
                least = CUT_AT_MOST * (history.request or 0.0)
                if least > highest.value:
                    return Amount(least, "half of the request, as no cut goes further")
                return highest
            case "aggressive":
                return Amount(float(np.quantile(_peaks(history), 0.9)), "P90 of the hours' peaks")
            case "conservative":
                return highest.times(CONSERVATIVE_MARGIN)


def _peaks(history: History) -> np.typing.NDArray[np.float64]:
    """Return the highest use in each hour that has samples."""
    hours = np.floor(history.times / STEP_S)
    starts = np.flatnonzero(np.diff(hours, prepend=-1.0))
    return np.maximum.reduceat(history.values, starts)


BALANCED = DevZero("balanced")
AGGRESSIVE = DevZero("aggressive")
CONSERVATIVE = DevZero("conservative")
