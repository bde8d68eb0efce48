"""`Choice`: what an expander made of its options, with the terms of each and what would have changed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kubelab.autoscaling.option import Option


@dataclass(frozen=True, slots=True)
class Term:
    """One part of an option's rank.

    Attributes
    ----------
    name : str
        What is measured, such as ``price`` or ``wasted cpu``.
    value : float
        In ``unit``.
    unit : str
        Such as ``USD/h``; "" for a bare number.
    evidence : str
        Where the value comes from, such as ``price of 2026-07-20``.
    """

    name: str
    value: float
    unit: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An option with what an expander thinks of it.

    Attributes
    ----------
    rank : float
        Lower is better.
    kept : bool
        Whether it is still in the running.
    why : str
        One sentence: why it was kept or dropped.
    to_win : str
        What would have to change for it to win; "" for a winner, or where nothing could.
    """

    option: Option
    rank: float
    kept: bool
    terms: tuple[Term, ...] = ()
    why: str = ""
    to_win: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an expander chose.

    Attributes
    ----------
    expander : str
        Its name; a chain's names are joined by commas.
    ranked : tuple of Ranked
        Every option that it was given, best first.
    why : str
        One paragraph that names the winner, what it beat, and by how much.
    steps : tuple of Choice
        Of a chain: what each of its expanders chose.
    """

    expander: str
    ranked: tuple[Ranked, ...]
    why: str = ""
    steps: tuple[Choice, ...] = ()

    @property
    def kept(self) -> tuple[Option, ...]:
        """The options that are left; none is a veto: nothing is scaled up."""
        return tuple(each.option for each in self.ranked if each.kept)


@dataclass(frozen=True, slots=True)
class Situation:
    """What an expander may know beside its options.

    Attributes
    ----------
    nodes : int
        How many nodes the cluster has.
    """

    nodes: int = 0


class Expander(Protocol):
    """Narrows options down; the chain ends at one option, and draws lots among equals."""

    name: str

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank the options and keep the best."""
        ...
