"""What a panel shows of a cluster's requests: what is recommended, what would change, and what has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from kubelab.clock import rfc3339
from kubelab.rightsizing.change import Change, resource_list
from kubelab.rightsizing.plan import AppliedChanges, Plan
from kubelab.rightsizing.rightsizing import Rightsizing, Row
from kubelab.usage.series import Resource

Advice = Literal["raise", "lower", "fits", "unknown"]
_NOWHERE = 1e11
"""No container has as many cores or bytes."""
Name = tuple[str, str, str, str, str]
"""Namespace, kind, workload, container and scope value: which group of containers."""


@dataclass(frozen=True, slots=True)
class SizedRow:
    """One resource of like containers; amounts are cores or bytes, None where nothing is known.

    Attributes
    ----------
    name : Name
    request, limit, use, peak : float or None
        What they ask for, and the mean and the highest use.
    target, lower, upper : float or None
        The recommended request, and the interval in which a request may stay.
    advice : str
        What becomes of the request.
    usd_per_month, saves_usd_per_month : float or None
        What the request costs, and what the recommended one costs less.
    why : str
        The strategy's reason, or why it has none.
    evidence : tuple of str
        The figures that the reason rests on.
    """

    name: Name
    resource: Resource
    pods: int
    request: float | None
    limit: float | None
    use: float | None
    peak: float | None
    target: float | None
    lower: float | None
    upper: float | None
    advice: Advice
    usd_per_month: float
    saves_usd_per_month: float | None
    prices_of: str
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What would change of a group of containers.

    Attributes
    ----------
    moves : tuple of (str, str, str)
        What, such as ``cpu request``, before and after; "" where there is none.
    notes, held : tuple of str
        What guard rails mended, and why the change is not made; held is empty if it is.
    """

    name: Name
    moves: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeCell:
    """What a DaemonSet's container asks for and uses on one node; amounts are cores or bytes."""

    node: str
    request: float | None
    use: float | None
    peak: float | None
    target: float | None


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One resource of a DaemonSet's container over the nodes.

    Attributes
    ----------
    of : str
        Such as ``kube-system/agent: main``.
    """

    of: str
    resource: Resource
    cells: tuple[NodeCell, ...]


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """A change that was made and can be undone."""

    namespace: str
    object: str
    container: str
    time: str
    moves: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class RightsizingSnapshot:
    """All that is known of a cluster's requests now.

    Attributes
    ----------
    saves_usd_per_month : float
        What all recommended requests cost less; requests that would be free, not a lower bill.
    missing : tuple of str
        What of the use could not be read.
    """

    strategy: str
    scope: str
    saves_usd_per_month: float
    missing: tuple[str, ...]
    rows: tuple[SizedRow, ...]
    changes: tuple[ChangeRow, ...]
    heat: tuple[HeatMap, ...]
    applied: tuple[AppliedRow, ...]


def rightsizing_snapshot(
    found: Rightsizing, plan: Plan, by_node: Rightsizing | None, applied: AppliedChanges
) -> RightsizingSnapshot:
    """Return what a panel shows.

    Parameters
    ----------
    by_node : Rightsizing or None
        What is recommended for DaemonSets' pods node by node, for the heat maps.
    """
    return RightsizingSnapshot(
        found.strategy,
        found.scope,
        found.saves_usd_per_month,
        found.missing,
        tuple(_sized(row) for row in found.rows),
        tuple(_change(each) for each in plan.changes),
        tuple(heat_maps(by_node.rows)) if by_node else (),
        tuple(_applied(applied)),
    )


def name_of(row: Row | Change) -> Name:
    """Return which group of containers something is about."""
    key, value = row.group.key, row.group.scope_value
    return (key.namespace, key.controller_kind, key.controller_name or key.pod, key.container, value or "")


def heat_maps(rows: Iterable[Row]) -> list[HeatMap]:
    """Return a map for each resource of each DaemonSet's container, from rows of one node each."""
    found: dict[tuple[str, Resource], list[NodeCell]] = {}
    for row in rows:
        namespace, _, workload, container, node = name_of(row)
        target = row.recommendation.request if row.recommendation else None
        cells = found.setdefault((f"{namespace}/{workload}: {container}", row.resource), [])
        cells.append(NodeCell(node, row.request, row.use, row.peak, target))
    return [
        HeatMap(of, resource, tuple(sorted(cells, key=lambda cell: cell.node)))
        for (of, resource), cells in sorted(found.items())
    ]


def _sized(row: Row) -> SizedRow:
    found = row.recommendation
    return SizedRow(
        name=name_of(row),
        resource=row.resource,
        pods=len(row.group.pods),
        request=row.request,
        limit=row.limit,
        use=row.use,
        peak=row.peak,
        target=found.request if found else None,
        lower=_known(found.lower) if found else None,
        upper=_known(found.upper) if found else None,
        advice=_advice(row),
        usd_per_month=row.usd_per_month,
        saves_usd_per_month=row.saves_usd_per_month,
        prices_of=row.prices_of,
        why=row.why,
        evidence=tuple(map(str, found.evidence)) if found else (),
    )


def _known(bound: float) -> float | None:
    """Return a bound; None for one that is nowhere, as for want of samples."""
    return bound if 0 < bound < _NOWHERE else None


def _advice(row: Row) -> Advice:
    if row.recommendation is None:
        return "unknown"
    if row.request is not None and row.recommendation.covers(row.request):
        return "fits"
    return "lower" if row.recommendation.request < (row.request or 0.0) else "raise"


def _change(change: Change) -> ChangeRow:
    moves = _moves(
        (resource_list(change.group.requests), resource_list(change.requests)),
        (resource_list(change.group.limits), resource_list(change.limits)),
    )
    return ChangeRow(name_of(change), moves, change.notes, change.held)


def _applied(applied: AppliedChanges) -> Iterable[AppliedRow]:
    for each in applied.applied:
        meta, record = each.object["metadata"], each.record
        yield AppliedRow(
            meta["namespace"],
            f"{each.resource.kind.lower()}/{meta['name']}",
            each.container,
            rfc3339(record.at),
            _moves(
                (record.before.get("requests") or {}, record.after.get("requests") or {}),
                (record.before.get("limits") or {}, record.after.get("limits") or {}),
            ),
        )


def _moves(*parts: tuple[Mapping[str, str], Mapping[str, str]]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (f"{name} {part}", before.get(name, ""), after.get(name, ""))
        for part, (before, after) in zip(("request", "limit"), parts, strict=True)
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )
