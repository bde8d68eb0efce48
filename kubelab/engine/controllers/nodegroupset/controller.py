"""The loop around `kubelab.autoscaling.node_group_set`: makes the groups that a set needs, retires others."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from kubelab.autoscaling.advisor import Advice, Candidate, advise
from kubelab.autoscaling.estimator import Pods
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.node_group_set import (
    ChosenType,
    NodeGroupSet,
    choose,
    conflicts,
    group_of_set,
    within,
)
from kubelab.client import NODE_GROUP_SETS, NODE_GROUPS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.conditions import accepted, with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.instancescore.workload import Workload, selectors_of
from kubelab.engine.controllers.nodegroup.controller import catalogue
from kubelab.engine.controllers.owners import controller_uids, is_controlled_by, owner_reference
from kubelab.errors import KubelabError

INTERVAL_S = 600.0
"""How often a set is thought over again: groups that come and go with every pod would help nobody."""

SETTLE_S = 1.0
_BEST = 30
"""How many types are repacked onto for each requirement: many more than can be chosen."""

_ALL = "all"
_OWNER = "owner"


@dataclass(frozen=True, slots=True)
class _Choice:
    """What was chosen for one generation of a set, and when."""

    key: str
    at: datetime
    chosen: tuple[ChosenType, ...]


class NodeGroupSetController(Controller):
    """Owns the node groups of each set."""

    name = "node-group-set-controller"
    workers = 1

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.sets = self.follow(NODE_GROUP_SETS)
        self.sets.index(_ALL, lambda _obj: (_ALL,))
        self.sets.subscribe(lambda _old, _new: self._all_again())
        self.groups = self.follow_owned(NODE_GROUPS, NODE_GROUP_SETS)
        self.groups.index(_OWNER, controller_uids)
        self.workload = Workload(around, lambda: None)
        self._choices: dict[str, _Choice] = {}

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one set's groups to what it needs."""
        obj = self.sets.get(namespace, name)
        if obj is None:
            return None
        problem = self._problem(obj)
        if problem is None:
            try:
                wanted = NodeGroupSet.of(obj)
                chosen = self._choice(wanted, obj).chosen
            except KubelabError as error:
                problem = ("Invalid", str(error))
        if problem is not None:
            await self._write(obj, (obj.get("status") or {}).get("groups") or [], problem)
            return None
        taken = await self._bring(obj, wanted, chosen)
        names = [group_of_set(wanted, each.name)["metadata"]["name"] for each in chosen]
        told = [
            {"name": name, "for": each.requirement, "why": each.why}
            for name, each in zip(names, chosen, strict=True)
        ]
        await self._write(obj, told, taken)
        return INTERVAL_S

    def _problem(self, obj: Object) -> tuple[str, str] | None:
        name = obj["metadata"]["name"]
        selectors = selectors_of(self.sets.by_index(_ALL, _ALL))
        others = conflicts(name, selectors)
        if not others:
            return None
        said = (
            f"pods of nodeSelector {dict(selectors[name])} are claimed by {', '.join(others)} too; "
            "nothing is created. Give each set a selector of its own."
        )
        return "PodsClaimedTwice", said

    def _choice(self, wanted: NodeGroupSet, obj: Object) -> _Choice:
        """Return what was chosen lately, or choose; without pods, what was chosen for them stays."""
        key, now = f"{obj['metadata']['uid']}/{obj['metadata'].get('generation')}", self.clock.now()
        known = self._choices.get(wanted.name)
        if known is not None and known.key == key and (now - known.at).total_seconds() < INTERVAL_S:
            return known
        pods = self.workload.by_set(selectors_of(self.sets.by_index(_ALL, _ALL)))[wanted.name]
        if not pods and known is not None and known.key == key:
            return known
        there = {each["spec"].get("instanceType", "") for each in self._owned(obj)}
        chosen = choose(wanted, self._advice(wanted, pods, there), there)
        self._choices[wanted.name] = _Choice(key, now, tuple(chosen))
        return self._choices[wanted.name]

    def _advice(self, wanted: NodeGroupSet, pods: Sequence[Pods], there: AbstractSet[str]) -> list[Advice]:
        """Repack the set's pods onto the types that may be chosen."""
        candidates = self._candidates(wanted)
        best = advise(pods, candidates, best=_BEST)
        known = {each.name for each in best}
        others = {
            each.type.name: each
            for requirement in wanted.requirements
            for each in within(requirement, candidates)[:_BEST]
        }
        others |= {each.type.name: each for each in candidates if each.type.name in there}
        return [*best, *advise(pods, (each for name, each in others.items() if name not in known))]

    def _candidates(self, wanted: NodeGroupSet) -> list[Candidate]:
        types = catalogue().select(wanted.types) if wanted.types else list(catalogue().values())
        groups = [(each, NodeGroup.of(group_of_set(wanted, each.name), catalogue())) for each in types]
        return [
            Candidate(each, wanted.capacity_type, group.price, self.workload.fresh(group))
            for each, group in groups
            if group.price is not None
        ]

    def _owned(self, obj: Object) -> list[Object]:
        return self.groups.by_index(_OWNER, obj["metadata"]["uid"])

    async def _bring(
        self, obj: Object, wanted: NodeGroupSet, chosen: Sequence[ChosenType]
    ) -> tuple[str, str] | None:
        """Create what is missing and retire what is too much; return what stands in the way."""
        groups = {each["metadata"]["name"]: each for each in (group_of_set(wanted, c.name) for c in chosen)}
        there = {name: self.groups.get("", name) for name in groups}
        strangers = [name for name, found in there.items() if found and not is_controlled_by(found, obj)]
        if strangers:
            said = f"{', '.join(strangers)} exist and are not this set's; nothing is created. Rename them."
            return "GroupExists", said
        for name, group in groups.items():
            found = there[name]
            if found is None:
                group["metadata"]["ownerReferences"] = [owner_reference(obj, NODE_GROUP_SETS)]
                await self.create(NODE_GROUPS, group)
                self.note(obj, Note("Normal", "NodeGroupCreated", f"Created node group {name}"))
            elif found["spec"].get("maxSize") != _max_size(group):
                await self.patch(NODE_GROUPS, found, {"spec": {"maxSize": _max_size(group)}})
        for each in self._owned(obj):
            if each["metadata"]["name"] not in groups:
                await self._retire(obj, each)
        return None

    async def _retire(self, obj: Object, group: Object) -> None:
        """Let a group grow no more; it goes once it has no nodes."""
        nodes = max(group["spec"].get("replicas") or 0, (group.get("status") or {}).get("replicas") or 0)
        if not nodes:
            await self.delete(NODE_GROUPS, group)
            said = f"Deleted node group {group['metadata']['name']}, which is not needed any more"
            self.note(obj, Note("Normal", "NodeGroupDeleted", said))
        elif group["spec"].get("maxSize") != nodes or group["spec"].get("minSize"):
            await self.patch(NODE_GROUPS, group, {"spec": {"minSize": 0, "maxSize": nodes}})

    async def _write(self, obj: Object, groups: list[Object], problem: tuple[str, str] | None) -> None:
        status = obj.get("status") or {}
        reason, message = problem or ("NoConflict", "")
        in_conflict = problem is not None and reason != "Invalid"
        now = rfc3339(self.clock.now())
        conditions = status.get("conditions")
        conflict = {
            "type": "Conflict",
            "status": "True" if in_conflict else "False",
            "reason": reason if in_conflict else "NoConflict",
            "message": message if in_conflict else "",
        }
        for condition in (accepted(message, reason), conflict):
            conditions = with_condition(conditions, condition, now)
        new = {**status, "groups": groups, "conditions": conditions}
        if new != status:
            await self.update_status(NODE_GROUP_SETS, obj, new)

    def _all_again(self) -> None:
        for each in self.sets.by_index(_ALL, _ALL):
            self.queue.add_after(("", each["metadata"]["name"]), SETTLE_S)


def _max_size(group: Object) -> int:
    return int(group["spec"].get("maxSize", 1000))
