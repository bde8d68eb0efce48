"""`Recommender`: the Vertical Pod Autoscaler's recommendations, for many workloads at once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from kubelab.client import Object
from kubelab.rightsizing.aggregation import Aggregation, Seen
from kubelab.rightsizing.amounts import WholeAmounts, scaled
from kubelab.rightsizing.decay import DecayingHistograms
from kubelab.rightsizing.estimate import DEFAULTS, Estimates, Settings, confidence, estimates
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.usage.series import ContainerKey, UsageSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Workload:
    """What is recommended for together: the containers of a pod, whose least amounts they share.

    Attributes
    ----------
    containers : Mapping
        By container name, the groups whose samples count: one of a scope, all of them for the aggregate,
        and the one that a checkpoint was loaded into.
    policies : Mapping
        By container name; what is not there has the default policy.
    """

    containers: Mapping[str, Sequence[Hashable]]
    policies: Mapping[str, ContainerPolicy] = field(default_factory=dict)

    def policy(self, container: str) -> ContainerPolicy:
        """Return a container's policy."""
        return self.policies.get(container) or ContainerPolicy()


@dataclass(frozen=True, slots=True)
class ContainerRecommendation:
    """What one container should ask for.

    Attributes
    ----------
    target, lower, upper : WholeAmounts
        As the policy allows.
    uncapped : WholeAmounts
        The target before the policy held it.
    used : WholeAmounts
        Evidence: the 90th percentile that the target is made from, before the margin.
    samples : int
        Evidence: how many CPU samples there were.
    first, last : datetime
        Evidence: when the first and the last of them were taken.
    confidence : float
        In days. The upper bound is ``1 + 1 / confidence`` times its percentile, and the lower one less.
    """

    container: str
    target: WholeAmounts
    lower: WholeAmounts
    upper: WholeAmounts
    uncapped: WholeAmounts
    used: WholeAmounts
    samples: int
    first: datetime
    last: datetime
    confidence: float

    def as_object(self) -> Object:
        """Return an entry of ``status.recommendation.containerRecommendations``."""
        return {
            "containerName": self.container,
            "lowerBound": self.lower.resource_list(),
            "target": self.target.resource_list(),
            "uncappedTarget": self.uncapped.resource_list(),
            "upperBound": self.upper.resource_list(),
        }


class Recommender:
    """Takes in samples, and recommends.

    Parameters
    ----------
    settings : Settings, optional
        Upstream's flags.

    Attributes
    ----------
    aggregation : Aggregation
        What it has seen; samples are given to it by `Aggregation.observe`.
    """

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self.settings = settings
        self.aggregation = Aggregation()

    def track(self, container: ContainerKey, group: Hashable) -> int:
        """Return the row of a container, whose samples count for the group from now on."""
        return self.aggregation.track(container, group)

    def observe(self, series: Iterable[UsageSeries]) -> int:
        """Take in the series of containers that are tracked, and return how many samples counted.

        Those of other containers are left out.
        """
        known = self.aggregation.containers
        found = [each for each in series if each.container in known]
        cpu = [each for each in found if each.resource == "cpu"]
        return self._observe(cpu) + self._observe([each for each in found if each.resource == "memory"])

    def _observe(self, series: Sequence[UsageSeries]) -> int:
        if not series:
            return 0
        rows = self.aggregation.containers.rows(each.container for each in series)
        return self.aggregation.observe(
            series[0].resource,
            np.repeat(rows, [len(each.times) for each in series]),
            np.concatenate([each.times for each in series]),
            np.concatenate([each.values for each in series]),
        )

    def recommend(self, workloads: Sequence[Workload]) -> list[list[ContainerRecommendation]]:
        """Return each workload's recommendations, in order of the containers' names.

        Containers without a CPU sample, or whose policy is off, have none and do not share the pod's least
        amounts.
        """
        known = [self._known(workload) for workload in workloads]
        flat = list(chain.from_iterable(known))
        rows = [list(self.aggregation.groups.rows(each.groups)) for each in flat]
        shares = np.array([1 / len(each) for each in known for _ in each])
        found = self._estimate(rows, shares)
        made = [_made(each, place, found) for place, each in enumerate(flat)]
        ends = np.cumsum([0, *(len(each) for each in known)])
        return [made[start:end] for start, end in pairwise(ends)]

    def _known(self, workload: Workload) -> list[_Known]:
        counts = self.aggregation.groups["count"]
        return [
            _Known(name, workload.policy(name), groups)
            for name, groups in sorted(workload.containers.items())
            if not workload.policy(name).off and counts[self.aggregation.groups.rows(groups)].any()
        ]

    def _estimate(self, rows: Sequence[Sequence[int]], shares: NDArray[np.float64]) -> _Found:
        settings, seen = self.settings, _merged(self.aggregation.seen(), rows)
        sure = confidence(seen)

        def of(histograms: DecayingHistograms, pod_min: int, units: float, round_to: int) -> Estimates:
            least = np.array([scaled(pod_min, share) for share in shares], dtype=np.int64)
            merged = histograms.merged(rows)
            return estimates(merged, sure, least, units=units, round_to=round_to, settings=settings)

        cpu = of(self.aggregation.cpu, settings.pod_min_cpu, 1000.0, settings.round_cpu)
        memory = of(self.aggregation.memory, settings.pod_min_memory, 1.0, settings.round_memory)
        return _Found(cpu, memory, seen, sure)


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    policy: ContainerPolicy
    groups: Sequence[Hashable]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    cpu: Estimates
    memory: Estimates
    seen: Seen
    confidence: NDArray[np.float64]

    def amounts(self, name: Literal["used", "target", "lower", "upper"], place: int) -> WholeAmounts:
        return WholeAmounts(int(getattr(self.cpu, name)[place]), int(getattr(self.memory, name)[place]))


def _merged(seen: Seen, rows: Sequence[Sequence[int]]) -> Seen:
    into = np.array([place for place, each in enumerate(rows) for _ in each], dtype=np.intp)
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.intp, count=len(into))
    first, last = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    count = np.zeros(len(rows), dtype=np.int64)
    np.minimum.at(first, into, seen.first[flat])
    np.maximum.at(last, into, seen.last[flat])
    np.add.at(count, into, seen.count[flat])
    return Seen(first, last, count)


def _made(known: _Known, place: int, found: _Found) -> ContainerRecommendation:
    policy, seen = known.policy, found.seen
    uncapped = policy.filtered(found.amounts("target", place))
    return ContainerRecommendation(
        container=known.name,
        target=policy.capped(uncapped),
        lower=policy.capped(policy.filtered(found.amounts("lower", place))),
        upper=policy.capped(policy.filtered(found.amounts("upper", place))),
        uncapped=uncapped,
        used=policy.filtered(found.amounts("used", place)),
        samples=int(seen.count[place]),
        first=datetime.fromtimestamp(float(seen.first[place]), UTC),
        last=datetime.fromtimestamp(float(seen.last[place]), UTC),
        confidence=float(found.confidence[place]),
    )
