"""The blast radius: how many pods an experiment may hit."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.chaos.errors import BlastRadiusError, ChaosError
from kubelab.chaos.experiment import LONGEST_S, MOST_PER_S, Target


def check_radius(pods: Sequence[Target], own: int, max_pods: int | None) -> None:
    """Refuse an experiment that would hit more pods than it may.

    Parameters
    ----------
    pods : sequence of Target
        The pods that it would hit.
    own : int
        How many pods the job has that it is about.
    max_pods : int, optional
        How many it may hit; as many as the job has, unless given.

    Raises
    ------
    BlastRadiusError
        If it would hit more.
    """
    allowed = own if max_pods is None else max_pods
    if len(pods) > allowed:
        raise BlastRadiusError([pod.name for pod in pods], allowed)


def check_duration(fault: str, duration_s: float) -> None:
    """Refuse a fault that would last no time or too long; that of a killed pod is over at once.

    Raises
    ------
    ChaosError
        If it would.
    """
    if fault != "kill-pod" and not 0 < duration_s <= LONGEST_S:
        raise ChaosError(
            f"a fault cannot last {duration_s:g} s: pass duration_s of more than 0 and at most {LONGEST_S:g}."
        )


def checked_share(share: float) -> float:
    """Return a share that is one.

    Raises
    ------
    ChaosError
        If it is not more than 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ChaosError(f"a share cannot be {share:g}: pass one of more than 0 and at most 1.")
    return share


def checked_rate(rate: float) -> float:
    """Return how many connections a second, if that is a number of them.

    Raises
    ------
    ChaosError
        If it is not from 0 to `MOST_PER_S`.
    """
    if not 0 <= rate <= MOST_PER_S:
        raise ChaosError(
            f"a rate cannot be {rate:g} connections a second: pass one from 0 to {MOST_PER_S:g}."
        )
    return rate
