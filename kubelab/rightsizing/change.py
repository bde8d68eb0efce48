"""`Change`: what one group of containers asks for now, and what it shall ask for instead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kubelab.rightsizing.containers import Amounts, ContainerGroup
from kubelab.rightsizing.recommendation import Recommendation
from kubelab.rightsizing.rightsizing import Row
from kubelab.usage.series import Resource

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Change:
    """New requests and limits for a group of containers.

    Attributes
    ----------
    requests, limits : Amounts
        What they shall be.
    peaks, latest : Amounts
        The highest and the last known use.
    why : tuple of str
        The strategy's reasons.
    notes : tuple of str
        What guard rails changed in it, and why.
    held : tuple of str
        Why it is not made; empty if it is.
    seen : tuple of float or None
        From when until when its evidence reaches, in seconds since the epoch; None where nobody says.
    """

    group: ContainerGroup
    requests: Amounts
    limits: Amounts
    peaks: Amounts
    latest: Amounts
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    seen: tuple[float, float] | None = None

    def raised(self, resource: Resource, *, request: float = 0.0, limit: float = 0.0, note: str) -> Change:
        """Return it with a request and a limit of at least so much; a limit that is not there stays so."""
        requests, limits = dict(self.requests), dict(self.limits)
        if resource in requests:
            requests[resource] = max(requests[resource], request)
        if resource in limits:
            limits[resource] = max(limits[resource], limit, requests.get(resource, 0.0))
        if (requests, limits) == (dict(self.requests), dict(self.limits)):
            return self
        return replace(self, requests=requests, limits=limits, notes=(*self.notes, note))

    def hold(self, reason: str) -> Change:
        """Return it as one that is not made."""
        return replace(self, held=(*self.held, reason))

    def growth(self) -> dict[str, float]:
        """Return how much more all its pods ask for, by a ResourceQuota's names; less is negative."""
        found: dict[str, float] = {}
        for prefixes, before, after in (
            (("requests.", ""), self.group.requests, self.requests),
            (("limits.",), self.group.limits, self.limits),
        ):
            for name in {*before, *after}:
                more = (after.get(name, 0.0) - before.get(name, 0.0)) * len(self.group.pods)
                found |= {f"{prefix}{name}": more for prefix in prefixes}
        return found

    def lowers(self) -> bool:
        """Say whether a request or limit becomes smaller, or a limit comes that was not there."""
        pairs = ((self.group.requests, self.requests), (self.group.limits, self.limits))
        return any(
            after.get(name, 0.0) < amount for before, after in pairs for name, amount in before.items()
        ) or any(name not in self.group.limits for name in self.limits)

    def largest_step(self) -> float:
        """Return by what share of itself a request or limit changes at most; infinite for a new one."""
        steps = [0.0]
        for before, after in ((self.group.requests, self.requests), (self.group.limits, self.limits)):
            for name in {*before, *after}:
                had, gets = before.get(name), after.get(name)
                steps.append(abs(gets - had) / had if had and gets else math.inf * (had != gets))
        return max(step for step in steps if not math.isnan(step))


def changes(rows: Iterable[Row]) -> list[Change]:
    """Return one change for each group of containers that something is recommended for."""
    found: dict[tuple[object, ...], list[tuple[Row, Recommendation]]] = {}
    for row in rows:
        if row.recommendation is not None:
            key = (row.group.key, row.group.scope_value)
            found.setdefault(key, []).append((row, row.recommendation))
    return [_change(sized) for sized in found.values()]


def _change(sized: list[tuple[Row, Recommendation]]) -> Change:
    rows = [row for row, _ in sized]
    group = rows[0].group
    requests, limits = dict(group.requests), dict(group.limits)
    for row, wanted in sized:
        requests[row.resource] = rounded(row.resource, wanted.request)
        if wanted.limit is not None:
            limits[row.resource] = rounded(row.resource, wanted.limit)
        elif row.resource in limits:  # a strategy without an opinion on limits leaves them above the request
            limits[row.resource] = max(limits[row.resource], requests[row.resource])
    return Change(
        group,
        requests,
        limits,
        {row.resource: row.peak for row in rows if row.peak is not None},
        {row.resource: row.latest for row in rows if row.latest is not None},
        tuple(f"{row.resource}: {row.why}" for row in rows),
        seen=_common([row.seen for row in rows if row.seen is not None]),
    )


def _common(seen: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return (max(first for first, _ in seen), min(last for _, last in seen)) if seen else None


def rounded(resource: Resource, amount: float) -> float:
    """Return an amount as it is written: whole millicores, whole MiB, rounded up."""
    if resource == "cpu":
        return max(math.ceil(round(amount * 1000, 6)), 1) / 1000
    return float(max(math.ceil(amount / MIB), 1) * MIB)


def resource_list(amounts: Amounts) -> Mapping[str, str]:
    """Return a ``ResourceList``: ``{"cpu": "250m", "memory": "512Mi"}``."""
    return {name: _written(name, amount) for name, amount in amounts.items()}


def _written(resource: Resource, amount: float) -> str:
    if resource == "cpu":
        millicores = math.ceil(round(amount * 1000, 6))
        return f"{millicores}m" if millicores % 1000 else f"{millicores // 1000}"
    for unit, suffix in ((GIB, "Gi"), (MIB, "Mi")):
        if amount % unit == 0:
            return f"{amount / unit:.0f}{suffix}"
    return f"{amount:.0f}"
