"""A DaemonSet's rolling update: which old pods may go, and where a new one may start beside one.

Upstream: ``rollingUpdate`` of ``pkg/controller/daemon/update.go``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.engine.controllers.daemonset.pods import is_updated
from kubelab.engine.controllers.pods import is_available, is_deleting


@dataclass(frozen=True, slots=True)
class Budget:
    """How many nodes may be without an available pod, and how many may have two."""

    surge: int
    unavailable: int
    min_ready_s: int


def roll(
    budget: Budget,
    on_node: Mapping[str, Sequence[Object]],
    wanted: frozenset[str],
    digest: str,
    now: datetime,
) -> tuple[list[str], list[Object]]:
    """Return the nodes to create a new pod on, and the old pods to delete.

    Parameters
    ----------
    on_node : mapping of str to pods
        The pods by node, with every node that should have one.
    wanted : frozenset of str
        The nodes that should have one.
    """
    pairs = {name: _pair(pods, digest) for name, pods in on_node.items()}
    if budget.surge == 0:
        return [], _replaced(budget, pairs, now)
    return _surged(budget, pairs, wanted, now)


Pair = tuple[Object | None, Object | None] | None
"""The new and the old pod of a node; None where there are too many to tell."""


def _pair(pods: Sequence[Object], digest: str) -> Pair:
    living = [pod for pod in pods if not is_deleting(pod)]
    new = [pod for pod in living if is_updated(pod, digest)]
    old = [pod for pod in living if not is_updated(pod, digest)]
    if len(new) > 1 or len(old) > 1:
        return None
    return (new[0] if new else None, old[0] if old else None)


def _replaced(budget: Budget, pairs: Mapping[str, Pair], now: datetime) -> list[Object]:
    """Return old pods: those not available at once, others as far as the budget allows."""
    unavailable = 0
    delete: list[Object] = []
    candidates: list[Object] = []
    for pair in pairs.values():
        new, old = pair if pair is not None else (None, None)
        if old is not None and new is None:
            if is_available(old, budget.min_ready_s, now):
                candidates.append(old)
            else:
                delete.append(old)
                unavailable += 1
        elif new is None or old is not None or not is_available(new, budget.min_ready_s, now):
            unavailable += 1
    return [*delete, *candidates[: max(0, budget.unavailable - unavailable)]]


def _surged(
    budget: Budget, pairs: Mapping[str, Pair], wanted: frozenset[str], now: datetime
) -> tuple[list[str], list[Object]]:
    """Let a new pod start beside the old one, which goes once the new one is available."""
    surging = available = 0
    create: list[str] = []
    candidates: list[str] = []
    delete: list[Object] = []
    leaving: list[Object] = []
    for name, pair in pairs.items():
        if pair is None:
            surging += 1
            continue
        new, old = pair
        held = old if old is not None else new
        available += held is not None and is_available(held, budget.min_ready_s, now)
        if old is None:
            continue
        old_available = is_available(old, budget.min_ready_s, now)
        if new is not None:
            if is_available(new, budget.min_ready_s, now):
                delete.append(old)
            else:
                surging += 1
        elif name not in wanted:
            (leaving if old_available else delete).append(old)
        else:
            (candidates if old_available else create).append(name)
    spare = max(0, available - len(wanted))
    room = max(0, budget.surge - surging)
    return [*create, *candidates[:room]], [*delete, *leaving[:spare]]
