"""`Proposal` and `Plan`: a strategy's figures for a cluster, and what changes, shown before it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.client import Client
from kubelab.rightsizing.applying import Outcome, apply, is_in_place, undo
from kubelab.rightsizing.change import Change, changes, resource_list
from kubelab.rightsizing.guards import Rails, guarded
from kubelab.rightsizing.rightsizing import Rightsizing
from kubelab.rightsizing.survey import Applied, read_applied, read_surroundings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Reach:
    """A cluster, as a plan is read from and written to it.

    Attributes
    ----------
    client : Client
    now : callable
        What time it is there.
    """

    client: Client
    now: Callable[[], datetime]


@dataclass(frozen=True, repr=False)
class Proposal(Rightsizing):
    """What a strategy recommends for a cluster that can be reached."""

    reach: Reach = field(kw_only=True)

    def plan(self, *, in_place: bool = False, min_change: float = 0.1, cooldown_minutes: float = 60) -> Plan:
        """Return what would be changed, and what guard rails mend or hold.

        Parameters
        ----------
        in_place : bool
            Whether running pods are resized (``/resize``, Kubernetes 1.33 and later) and their workloads stay
            as they are. Else workloads' templates change, which replaces their pods. Pods whose workload has
            no template that can change, and recommendations of a scope, are always changed in place.
        min_change : float
            Changes of a request or limit by less than this share are held.
        cooldown_minutes : float
            How long a container is left alone after a change.
        """
        rails = Rails(min_change, timedelta(minutes=cooldown_minutes))
        found = portal.run(_guarded(self.reach, changes(self.rows), rails, in_place=in_place))
        return Plan(self.reach, self.strategy, tuple(found), in_place)


@dataclass(frozen=True, repr=False)
class Plan:
    """Changes to requests and limits, those that are held included.

    Attributes
    ----------
    strategy : str
        Whose figures they are.
    changes : tuple of Change
        What saves most first.
    """

    reach: Reach
    strategy: str
    changes: tuple[Change, ...]
    in_place: bool = False

    def diff(self) -> pd.DataFrame:
        """Return one row a container and resource that would change.

        Returns
        -------
        DataFrame
            namespace, workload, container, scope_value, pods, what (such as ``cpu request``), before, after
            (quantities; "" where there is none), how ("template" or "in place"), held (why it is not made;
            "" if it is), why.
        """
        import pandas as pd

        rows = [row for change in self.changes for row in self._rows(change)]
        return pd.DataFrame(rows, columns=list(_DIFF))

    def apply(self, *, dry_run: bool = False) -> pd.DataFrame:
        """Make the changes that are not held; `undo` takes them back.

        Parameters
        ----------
        dry_run : bool
            Only ask the API server whether it would accept them.

        Returns
        -------
        DataFrame
            object, container, done and message, for each workload or pod. Events tell the same.
        """
        return _frame(portal.run(self._apply(dry_run=dry_run)))

    def undo(self) -> pd.DataFrame:
        """Put back what was there before, of this plan's containers; rows are those of `apply`."""
        return _frame(portal.run(self._undo()))

    async def _apply(self, *, dry_run: bool) -> list[Outcome]:
        return [
            outcome
            for change in self.changes
            for outcome in await apply(
                self.reach.client,
                change,
                self.reach.now(),
                strategy=self.strategy,
                in_place=self.in_place,
                dry_run=dry_run,
            )
        ]

    async def _undo(self) -> list[Outcome]:
        applied = await read_applied(self.reach.client)
        return await undo_all(self.reach, [each for each in applied if any(map(_is_of(each), self.changes))])

    def _rows(self, change: Change) -> Iterable[tuple[object, ...]]:
        key, group = change.group.key, change.group
        how = "in place" if is_in_place(change, in_place=self.in_place) else "template"
        for part, before, after in (
            ("request", group.requests, change.requests),
            ("limit", group.limits, change.limits),
        ):
            was, will = resource_list(before), resource_list(after)
            for name in sorted({*was, *will}):
                if was.get(name) != will.get(name):
                    yield (
                        key.namespace, key.controller_name or key.pod, key.container, group.scope_value or "",
                        len(group.pods), f"{name} {part}", was.get(name, ""), will.get(name, ""), how,
                        "; ".join(change.held), "; ".join((*change.why, *change.notes)),
                    )  # fmt: skip

    def __repr__(self) -> str:
        held = sum(bool(each.held) for each in self.changes)
        return f"<Plan {self.strategy}: {len(self.changes) - held} containers change, {held} held>"


_DIFF = (
    "namespace", "workload", "container", "scope_value", "pods", "what", "before", "after", "how", "held",
    "why",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class AppliedChanges:
    """What was changed on a cluster and not undone, by whichever plan."""

    reach: Reach
    applied: tuple[Applied, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row a container, the latest first: time (UTC), object, container, before, after."""
        import pandas as pd

        rows = [
            (
                each.record.at,
                _named(each.resource.kind, each.object["metadata"]["name"]),
                each.container,
                dict(each.record.before),
                dict(each.record.after),
            )
            for each in self.applied
        ]
        return pd.DataFrame(rows, columns=["time", "object", "container", "before", "after"])

    def undo(self) -> pd.DataFrame:
        """Put back what was there before; rows are those of `Plan.apply`."""
        return _frame(portal.run(undo_all(self.reach, self.applied)))

    def __repr__(self) -> str:
        return f"<AppliedChanges: {len(self.applied)} containers>"


async def undo_all(reach: Reach, applied: Iterable[Applied]) -> list[Outcome]:
    """Put back what was there before each change."""
    return [
        await undo(reach.client, each.resource, each.object, each.container, reach.now()) for each in applied
    ]


async def _guarded(reach: Reach, found: Iterable[Change], rails: Rails, *, in_place: bool) -> list[Change]:
    around = await read_surroundings(reach.client, reach.now(), in_place=in_place)
    judged = []
    for change in found:
        around = replace(around, in_place=is_in_place(change, in_place=in_place))
        judged.append(guarded(change, around, rails))
        around = around.after(judged[-1])
    return judged


def _is_of(applied: Applied) -> Callable[[Change], bool]:
    meta = applied.object["metadata"]

    def same(change: Change) -> bool:
        key = change.group.key
        if (key.namespace, key.container) != (meta["namespace"], applied.container):
            return False
        if applied.resource.kind == "Pod":
            return meta["name"] in change.group.pods
        return (key.controller_kind, key.controller_name) == (applied.resource.kind, meta["name"])

    return same


def _frame(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    import pandas as pd

    rows = [(_named(each.kind, each.name), each.container, each.done, each.message) for each in outcomes]
    return pd.DataFrame(rows, columns=["object", "container", "done", "message"])


def _named(kind: str, name: str) -> str:
    return f"{kind.lower()}/{name}"
