"""Robusta KRR's `simple` and `simple_limit`.

Source: robusta-dev/krr @d6baa74 (2026-07), ``robusta_krr/strategies/simple.py`` and ``simple_limit.py``: a
percentile of each pod's CPU over two weeks, the highest of the pods counts; the highest memory and 15 %.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Evidence, Recommendation, unit_of
from kubelab.rightsizing.strategies.strategy import DAY_S, MIB, Amount, recommend

POINTS_REQUIRED = 100
CPU_FLOOR = 0.010
MEMORY_FLOOR = 100 * MIB
MEMORY_BUFFER = 1.15
OOM_BUFFER = 1.25


@dataclass(frozen=True, slots=True)
class Krr:
    """A percentile of CPU, and the peak of memory with a buffer.

    Parameters
    ----------
    request_quantile : float
        Which share of CPU samples the request covers.
    limit_quantile : float, optional
        Which share the CPU limit covers; no limit unless given.
    heeds_ooms : bool
        Whether a container that was killed gets its limit and 25 % at least (krr's ``--use-oomkill-data``).
    """

    name: str = "krr-simple"
    request_quantile: float = 0.95
    limit_quantile: float | None = None
    heeds_ooms: bool = False
    lookback_s: float = 14 * DAY_S
    needed: int = POINTS_REQUIRED

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        return self._cpu(history) if history.resource == "cpu" else self._memory(history)

    def _cpu(self, history: History) -> Recommendation:
        asked = Amount(
            history.highest_quantile(self.request_quantile), f"P{self.request_quantile * 100:g} of use"
        ).at_least(CPU_FLOOR)
        limit = None
        if self.limit_quantile is not None:
            limit = max(history.highest_quantile(self.limit_quantile), asked.value)
        return recommend(history, asked, limit=limit)

    def _memory(self, history: History) -> Recommendation:
        asked = Amount(history.peak(), "highest use").times(MEMORY_BUFFER)
        evidence = []
        if self.heeds_ooms and history.ooms:
            bumped = max(history.ooms) * OOM_BUFFER
            evidence.append(Evidence("killed at", max(history.ooms), unit_of("memory")))
            if bumped > asked.value:
                asked = Amount(bumped, f"what it was killed at x {OOM_BUFFER}")
        asked = asked.at_least(MEMORY_FLOOR)
        return recommend(history, asked, limit=asked.value, evidence=evidence)


SIMPLE = Krr()
SIMPLE_LIMIT = Krr("krr-simple-limit", request_quantile=0.66, limit_quantile=0.96)
