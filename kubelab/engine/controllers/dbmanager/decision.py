"""Whether Katib's db manager should run: a pure function from the Experiments and its Deployment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.engine.katib.collectors import collector_of


@dataclass(frozen=True, slots=True)
class DbManagerDecision:
    """What to do about the db manager, and why.

    Attributes
    ----------
    create : bool
        Whether its objects are to be created.
    replicas : int or None
        How many of it should run; None where that is to stay as it is.
    """

    create: bool = False
    replicas: int | None = None
    reason: str = ""


def decide(experiments: Iterable[Object], deployment: Object | None) -> DbManagerDecision:
    """Return whether the db manager is needed.

    It is there from the first Experiment on, scaled to none: whoever wants to read histories through it
    scales it up. An Experiment whose trials push does so by itself; without any Experiment it ends.
    """
    kinds = [collector_of(each) for each in experiments if not each["metadata"].get("deletionTimestamp")]
    pushing = "Push" in kinds
    if deployment is None:
        if not kinds:
            return DbManagerDecision(reason="there is no Experiment")
        return DbManagerDecision(create=True, replicas=int(pushing), reason="the first Experiment")
    running = deployment["spec"].get("replicas") or 0
    if pushing and not running:
        return DbManagerDecision(replicas=1, reason="trials push their metrics")
    if running and not kinds:
        return DbManagerDecision(replicas=0, reason="there is no Experiment any more")
    return DbManagerDecision(reason="as it should be")
