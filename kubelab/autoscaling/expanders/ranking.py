"""What expanders that compare numbers have in common: the lowest rank wins, equals stay together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from kubelab.autoscaling.choice import Choice, Ranked, Term
from kubelab.autoscaling.option import Option

SHOWN = 5
"""How many names or reasons a sentence lists."""

SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Weighed:
    """An option with its number; None if the expander cannot tell."""

    option: Option
    rank: float | None
    terms: tuple[Term, ...] = ()
    why: str = ""


def lowest(name: str, weighed: Sequence[Weighed], to_win: Callable[[Weighed, float], str]) -> Choice:
    """Keep the options of the lowest rank.

    Parameters
    ----------
    name : str
        The expander.
    weighed : sequence of Weighed
        Every option; those without a rank lose to any that has one. Without any rank, all are kept.
    to_win : callable
        Says what would have to change for an option to beat a rank.
    """
    known = [each.rank for each in weighed if each.rank is not None]
    if not known:
        return all_kept(name, weighed)
    best = min(known)
    placed = sorted(weighed, key=lambda each: (each.rank is None, each.rank or 0.0))
    ranked = tuple(
        Ranked(
            each.option,
            float("inf") if each.rank is None else each.rank,
            each.rank == best,
            each.terms,
            each.why,
            "" if each.rank == best else to_win(each, best),
        )
        for each in placed
    )
    return Choice(name, ranked, told(name, ranked))


def all_kept(name: str, weighed: Sequence[Weighed]) -> Choice:
    """Keep every option: the expander has no opinion."""
    ranked = tuple(Ranked(each.option, 0.0, True, each.terms, each.why) for each in weighed)
    reasons = listed(list(dict.fromkeys(each.why for each in weighed)), "; ")
    why = f"{name} keeps every option: {reasons}." if ranked else f"{name}: no options."
    return Choice(name, ranked, why)


def told(name: str, ranked: Sequence[Ranked]) -> str:
    """Return a paragraph: who is kept and why, and the closest of the others."""
    kept = [each for each in ranked if each.kept]
    dropped = [each for each in ranked if not each.kept]
    names = listed([each.option.node_group for each in kept], " and ")
    verb, equal = ("takes", "") if len(kept) == 1 else ("keeps", ", which are equal")
    sentences = [f"{name} {verb} {names}{equal}: {kept[0].why}"]
    if dropped:
        nearest = dropped[0]
        sentences.append(f"Next is {nearest.option.node_group}: {nearest.why}")
        if nearest.to_win:
            sentences.append(f"To win, it {nearest.to_win}")
    return ". ".join(sentences) + "."


def listed(texts: Sequence[str], between: str) -> str:
    """Join texts, the first few of many."""
    more = len(texts) - SHOWN
    return between.join((*texts[:SHOWN], f"{more} more") if more > 0 else texts)


def below(value: float) -> str:
    """Return a number rounded down: what is less than this is less than the value too."""
    return _shown(value, ROUND_FLOOR)


def above(value: float) -> str:
    """Return a number rounded up: what is more than this is more than the value too."""
    return _shown(value, ROUND_CEILING)


def _shown(value: float, rounding: str) -> str:
    rounded = Context(prec=SHOWN_DIGITS, rounding=rounding).create_decimal_from_float(value)
    return f"{rounded.normalize():f}"


def counted(count: int, what: str) -> str:
    """Return such as ``1 node`` or ``2 nodes``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
