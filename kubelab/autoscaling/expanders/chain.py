"""`expander`: a chain of expanders by name, which ends at one option."""

from __future__ import annotations

import random as lots
from collections.abc import Callable, Sequence
from dataclasses import replace

from kubelab.autoscaling.choice import Choice, Expander, Ranked, Situation, Term
from kubelab.autoscaling.errors import (
    DuplicateExpanderError,
    ExpanderAfterRandomError,
    MissingRemoteError,
    UnknownExpanderError,
)
from kubelab.autoscaling.expanders.counts import LeastNodes, MostPods
from kubelab.autoscaling.expanders.least_waste import LeastWaste
from kubelab.autoscaling.expanders.price import LeastPrice
from kubelab.autoscaling.expanders.priority import Priority
from kubelab.autoscaling.expanders.random import Random
from kubelab.autoscaling.expanders.remote import Grpc, Remote
from kubelab.autoscaling.expanders.score import BestScore
from kubelab.autoscaling.instance_scores import InstanceScores
from kubelab.autoscaling.option import Option
from kubelab.autoscaling.scores import Scores
from kubelab.costs.prices import Prices

KNOWN = ("random", "most-pods", "least-nodes", "least-waste", "price", "priority", "score", "grpc")
"""The expanders' names."""


def expander(
    names: str,
    *,
    random: lots.Random,
    prices: Prices,
    scores: Scores | None = None,
    priorities: Callable[[], str] = lambda: "",
    remote: Remote | None = None,
    keep_ties: bool = False,
) -> Chain:
    """Return a chain of expanders.

    Parameters
    ----------
    names : str
        Expanders separated by commas, such as ``score,least-waste``. Each narrows down what the one before it
        kept, until one option is left; lots are drawn among those left at the end.
    random : random.Random
        Draws the lots.
    prices : Prices
        For ``price`` and ``score``.
    scores : Scores, optional
        For ``score``.
    priorities : callable, optional
        For ``priority``: returns its YAML as it is now.
    remote : Remote, optional
        For ``grpc``: the service to ask.
    keep_ties : bool
        Leave those that are equal to whoever asked, instead of drawing lots.

    Raises
    ------
    ExpanderError
        If a name is unknown or named twice, if one stands after ``random``, or if ``grpc`` has no service.
    """
    listed = [name.strip() for name in names.split(",")]
    check(listed)
    if "grpc" in listed and remote is None:
        raise MissingRemoteError
    made: dict[str, Callable[[], Expander]] = {
        "random": lambda: Random(random),
        "most-pods": MostPods,
        "least-nodes": LeastNodes,
        "least-waste": LeastWaste,
        "price": lambda: LeastPrice(prices),
        "priority": lambda: Priority(priorities),
        "score": lambda: BestScore(scores or InstanceScores(), prices),
        **({"grpc": lambda: Grpc(remote)} if remote else {}),
    }
    return Chain([made[name]() for name in listed], None if keep_ties else Random(random))


def check(names: Sequence[str]) -> None:
    """Check a chain's names.

    Raises
    ------
    ExpanderError
        As for `expander`.
    """
    for at, name in enumerate(names):
        if name not in KNOWN:
            raise UnknownExpanderError(name, KNOWN)
        if name in names[:at]:
            raise DuplicateExpanderError(name)
        if "random" in names[:at]:
            raise ExpanderAfterRandomError(name)


class Chain:
    """Asks one expander after another until one option is left, and then draws lots.

    Source: ``expander/factory/chain.go`` of Cluster Autoscaler 1.36.1.

    Parameters
    ----------
    expanders : sequence of Expander
        From left to right.
    last : Expander, optional
        Draws lots among those that are left.
    """

    def __init__(self, expanders: Sequence[Expander], last: Expander | None) -> None:
        self.expanders = tuple(expanders)
        self.last = last
        self.name = ",".join(each.name for each in expanders)

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Return the choice, with each expander's own as a step."""
        steps: list[Choice] = []
        left = tuple(options)
        for each in (*self.expanders, *((self.last,) if self.last else ())):
            if steps and len(left) < 2:
                break
            steps.append(each.choose(left, situation))
            left = steps[-1].kept
        return Choice(self.name, _placed(steps), " ".join(step.why for step in steps), tuple(steps))


def _placed(steps: Sequence[Choice]) -> tuple[Ranked, ...]:
    """Return the options by place, 1 first: what the last step kept, then what each dropped, latest first."""
    terms: dict[int, tuple[Term, ...]] = {}
    for step in steps:
        for each in step.ranked:
            terms[id(each.option)] = (*terms.get(id(each.option), ()), *each.terms)
    winners = [each for each in steps[-1].ranked if each.kept]
    dropped = [each for step in reversed(steps) for each in step.ranked if not each.kept]
    return tuple(
        replace(each, rank=float(place), terms=terms[id(each.option)])
        for place, each in enumerate((*winners, *dropped), 1)
    )
