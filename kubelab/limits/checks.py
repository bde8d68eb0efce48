"""What numbers a measurement accepts."""

from __future__ import annotations

import math

from kubelab.limits.errors import LimitsOptionError


def check_whole(option: str, value: object, least: int, remedy: str) -> None:
    """Refuse what is not a whole number of at least so much."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise LimitsOptionError(option, value, remedy)


def check_above_zero(option: str, value: object) -> None:
    """Refuse what is not a number above 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise LimitsOptionError(option, value, "Give a number above 0.")
