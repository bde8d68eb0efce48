"""The loop around `kubelab.autoscaling.advisor`: advises each set anew when its pods have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from kubelab.autoscaling.advisor import Candidate, advise
from kubelab.autoscaling.estimator import Pods
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.node_group_set import NODE_GROUP_SET
from kubelab.autoscaling.scores import Part
from kubelab.autoscaling.scoring import NOT_MEASURED, Experience, Kind, score_objects
from kubelab.client import CLUSTER_AUTOSCALERS, INSTANCE_SCORES, NODE_GROUP_SETS, NODE_GROUPS, Object
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.instancescore.workload import Peak, Workload, selectors_of, size_of
from kubelab.engine.controllers.nodegroup.controller import catalogue
from kubelab.errors import AlreadyExistsError, KubelabError

INTERVAL_S = 60.0
"""A set is not advised more often."""

SETTLE_S = 1.0
"""How long to wait for more changes after one."""

REMEMBERED = timedelta(days=1)
"""For how long a set's largest load counts."""

_ALL = "all"
_BY_SET = "set"
_USERS = ("score", "grpc")
"""The expanders that go by scores."""


class InstanceScoreController(Controller):
    """Scores the types of each set's node groups, and those of the groups that no set owns.

    The latter only while the autoscaler goes by scores: nobody else reads them. A performance that somebody
    wrote into a score is kept.
    """

    name = "instance-score-controller"
    workers = 1

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.sets = self.follow(NODE_GROUP_SETS)
        self.groups = self.views.of(NODE_GROUPS)
        self.scores = self.views.of(INSTANCE_SCORES)
        self.autoscalers = self.views.of(CLUSTER_AUTOSCALERS)
        self.sets.index(_ALL, lambda _obj: (_ALL,))
        self.groups.index(_BY_SET, owning_set)
        self.scores.index(_BY_SET, _scored_set)
        self.workload = Workload(around, self._changed)
        self.groups.subscribe(self._group_changed)
        self.autoscalers.subscribe(lambda _old, _new: self._changed())
        self._advised: dict[str, datetime] = {}
        self._peaks: dict[str, Peak] = {}

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Advise one set; "" is what no set owns."""
        groups = self.groups.by_index(_BY_SET, name)
        if not self._wanted(namespace, name) or not groups:
            await self._keep(name, [])
            return None
        now = self.clock.now()
        if name in self._advised and (now - self._advised[name]).total_seconds() < INTERVAL_S:
            return INTERVAL_S - (now - self._advised[name]).total_seconds()
        self._advised[name] = now
        await self._keep(name, self._scored(name, groups, now))
        return None

    def _wanted(self, namespace: str, name: str) -> bool:
        if name:
            return self.sets.get(namespace, name) is not None
        spec = (self.autoscalers.get("", "default") or {}).get("spec") or {}
        return any(each in str(spec.get("expander", "")) for each in _USERS)

    def _scored(self, name: str, groups: Iterable[Object], now: datetime) -> list[Object]:
        by_kind: dict[Kind, list[Object]] = defaultdict(list)
        for group in sorted(groups, key=lambda each: str(each["metadata"]["name"])):
            spec = group["spec"]
            if spec.get("instanceType"):
                by_kind[spec["instanceType"], spec.get("capacityType", "on-demand")].append(group)
        pods = self._most(name, now)
        if not pods:
            return self._reused(name, by_kind)
        candidates = [each for kind, alike in by_kind.items() if (each := self._candidate(kind, alike[0]))]
        experiences = {kind: Experience.of(alike) for kind, alike in by_kind.items()}
        advice = advise(pods, candidates)
        return score_objects(advice, experiences, self._measured(name), node_group_set=name, at=now)

    def _most(self, name: str, now: datetime) -> Sequence[Pods]:
        """Return the most pods that a set had at a time in the last day: nodes are to be good for them."""
        pods = self.workload.by_set(selectors_of(self.sets.by_index(_ALL, _ALL)))[name]
        peak = self._peaks.get(name)
        if peak is None or now - peak.at > REMEMBERED or size_of(pods) >= peak.size:
            peak = self._peaks[name] = Peak(now, size_of(pods), tuple(pods))
        return peak.pods

    def _reused(self, name: str, kinds: Mapping[Kind, object]) -> list[Object]:
        """Return the scores that there are: no pods teach nothing."""
        return [each for each in self.scores.by_index(_BY_SET, name) if _kind(each) in kinds]

    def _candidate(self, kind: Kind, obj: Object) -> Candidate | None:
        try:
            group = NodeGroup.of(obj, catalogue())
        except KubelabError:
            return None
        if group.price is None or kind[0] not in catalogue():
            return None
        return Candidate(catalogue()[kind[0]], kind[1], group.price, self.workload.fresh(group))

    def _measured(self, name: str) -> dict[Kind, Part]:
        parts = {
            _kind(each): each["spec"].get("performance") or {} for each in self.scores.by_index(_BY_SET, name)
        }
        return {
            kind: Part(float(part.get("score", 100)), str(part["evidence"]))
            for kind, part in parts.items()
            if part.get("evidence") not in (None, NOT_MEASURED)
        }

    async def _keep(self, name: str, scores: Iterable[Object]) -> None:
        """Let these be the set's scores; what only differs in its time stays."""
        wanted = {each["metadata"]["name"]: each for each in scores}
        there = {each["metadata"]["name"]: each for each in self.scores.by_index(_BY_SET, name)}
        for key, score in wanted.items():
            old = there.get(key)
            if old is None:
                await self._add(score)
            elif _lasting(old) != _lasting(score):
                await self.patch(INSTANCE_SCORES, old, {"spec": score["spec"]})
        for key, old in there.items():
            if key not in wanted:
                await self.delete(INSTANCE_SCORES, old)

    async def _add(self, score: Object) -> None:
        try:
            await self.create(INSTANCE_SCORES, score)
        except AlreadyExistsError:
            return

    def _changed(self) -> None:
        for each in self.sets.by_index(_ALL, _ALL):
            self.queue.add_after(("", each["metadata"]["name"]), SETTLE_S)
        self.queue.add_after(("", ""), SETTLE_S)

    def _group_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or _seen(old) != _seen(new):
            for name in {*owning_set(old), *owning_set(new)}:
                self.queue.add_after(("", name), SETTLE_S)


def owning_set(group: Object | None) -> tuple[str, ...]:
    """Return the name of a node group's set, "" for none, as the values of an index."""
    if group is None:
        return ()
    return ((group["metadata"].get("labels") or {}).get(NODE_GROUP_SET, ""),)


def _scored_set(score: Object) -> tuple[str, ...]:
    return (score["spec"].get("nodeGroupSet", ""),)


def _kind(score: Object) -> Kind:
    return score["spec"]["instanceType"], score["spec"].get("capacityType", "on-demand")


def _lasting(score: Object) -> Object:
    return {key: value for key, value in score["spec"].items() if key != "evaluatedAt"}


def _seen(group: Object) -> tuple[object, ...]:
    """Return what of a group changes its type's score."""
    status = group.get("status") or {}
    spec = {key: value for key, value in group["spec"].items() if key != "replicas"}
    return spec, Experience.of([{"status": status}])
