"""The Vertical Pod Autoscaler's recommender, on recorded use.

`kubelab.rightsizing.recommender` is the algorithm itself; upstream: Vertical Pod Autoscaler 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kubelab.rightsizing.estimate import DEFAULTS, Settings
from kubelab.rightsizing.history import History
from kubelab.rightsizing.recommendation import Evidence, Recommendation, shown, unit_of
from kubelab.rightsizing.recommender import ContainerRecommendation, Recommender, Workload
from kubelab.rightsizing.strategies.strategy import DAY_S
from kubelab.usage.series import UsageSeries


@dataclass(frozen=True, slots=True)
class Vpa:
    """The 90th percentile of decaying use and 15 %, between bounds that narrow as samples come.

    Parameters
    ----------
    settings : Settings
        The recommender's flags.
    """

    name: str = "vpa"
    settings: Settings = DEFAULTS
    lookback_s: float = 8 * DAY_S
    needed: int = 1

    def size(self, history: History) -> Recommendation:
        """Return what the container should ask for; see `Strategy.size`."""
        history.expect(self.name, self.needed)
        found = self._found(history)
        unit, cpu = unit_of(history.resource), history.resource == "cpu"

        def amount(of: str) -> float:
            amounts = getattr(found, of)
            return amounts.cpu / 1000 if cpu else float(amounts.memory)

        target, used = amount("target"), amount("used")
        return Recommendation(
            history.container,
            history.resource,
            target,
            _limit(history, target),
            amount("lower"),
            amount("upper"),
            f"{_PERCENTILE[history.resource]} is {shown(used, unit)}, and {self.settings.margin:.0%} more, "
            "but the pod's least at least",
            (
                Evidence("P90 before the margin", used, unit),
                Evidence("confidence", found.confidence, "days"),
                Evidence("median of use", float(np.median(history.values)), unit),
                Evidence("highest use", history.peak(), unit),
                Evidence("samples", float(history.points)),
            ),
        )

    def _found(self, history: History) -> ContainerRecommendation:
        recommender = Recommender(self.settings)
        rows = [recommender.track(each.container, self.name) for each in history.series]
        recommender.observe(history.series)
        if history.resource == "memory":  # upstream counts CPU samples; these were taken with them
            recommender.observe(_with_cpu(each) for each in history.series)
            for killed_at in history.ooms:
                recommender.aggregation.observe_oom(rows[0], float(history.times[-1]), int(killed_at))
        return recommender.recommend([Workload({history.container.container: [self.name]})])[0][0]


_PERCENTILE = {"cpu": "P90 of use, halved each day", "memory": "P90 of the days' peaks, halved each day"}


def _with_cpu(series: UsageSeries) -> UsageSeries:
    return replace(series, resource="cpu", values=np.zeros(len(series.times)))


def _limit(history: History, target: float) -> float | None:
    """Return the limit in the same ratio to the request as now (``controlledValues: RequestsAndLimits``)."""
    if history.limit is None:
        return None
    return history.limit * target / history.request if history.request else max(history.limit, target)


VPA = Vpa()
