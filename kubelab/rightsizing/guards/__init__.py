"""Guard rails: each a pure function that mends a change or holds it back, and says why.

Mending comes first: peaks and the use of now are protected, limits stay above requests, and the quality of
service class stays. What is then still unsafe, or not worth it, is held.
"""

from __future__ import annotations

from collections.abc import Callable

from kubelab.rightsizing.change import Change
from kubelab.rightsizing.guards.holding import (
    hold_cooling,
    hold_for_autoscalers,
    hold_for_nodes,
    hold_for_quotas,
    hold_small,
)
from kubelab.rightsizing.guards.mending import (
    add_nothing_in_place,
    keep_limits_above,
    keep_qos,
    protect_current_use,
    protect_peaks,
)
from kubelab.rightsizing.guards.surroundings import Rails, Surroundings

__all__ = ["GUARDS", "Guard", "Rails", "Surroundings", "guarded"]

Guard = Callable[[Change, Surroundings, Rails], Change]

GUARDS: tuple[Guard, ...] = (
    protect_peaks,
    protect_current_use,
    add_nothing_in_place,
    keep_limits_above,
    keep_qos,
    hold_for_autoscalers,
    hold_for_quotas,
    hold_for_nodes,
    hold_small,
    hold_cooling,
)


def guarded(change: Change, around: Surroundings, rails: Rails) -> Change:
    """Return a change as it may be made, with what was mended, or with why it is held."""
    for guard in GUARDS:
        change = guard(change, around, rails)
    return change
