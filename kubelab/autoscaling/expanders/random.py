"""``random``: draws lots."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random as Lots

from kubelab.autoscaling.choice import Choice, Ranked, Situation
from kubelab.autoscaling.option import Option


class Random:
    """Keeps one option, each as likely as the others (``expander/random``).

    Parameters
    ----------
    lots : random.Random
        Seeded by the caller; drawn from only if there is a choice.
    """

    name = "random"

    def __init__(self, lots: Lots) -> None:
        self.lots = lots

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Draw one."""
        del situation
        if not options:
            return Choice(self.name, (), "random: no options.")
        drawn = self.lots.randrange(len(options)) if len(options) > 1 else 0
        chance = f"one of {len(options)} by lot"
        ranked = [Ranked(options[drawn], 0.0, kept=True, why=f"drawn: {chance}")]
        others = [option for at, option in enumerate(options) if at != drawn]
        ranked += [Ranked(option, 1.0, kept=False, why=f"not drawn: {chance}") for option in others]
        return Choice(self.name, tuple(ranked), f"random takes {options[drawn].node_group}, {chance}.")
