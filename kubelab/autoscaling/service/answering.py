"""What the service answers: the choice of a chain, or every option where it has no opinion."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.autoscaling.choice import Choice, Expander, Situation
from kubelab.autoscaling.option import Option
from kubelab.autoscaling.service.scores_file import ScoresFile


class Answering:
    """Chooses among the options of a request, by scores as they are now.

    Parameters
    ----------
    expander : Expander
        Chooses.
    scores : ScoresFile, optional
        Read again before each choice if it has changed.
    """

    def __init__(self, expander: Expander, scores: ScoresFile | None = None) -> None:
        self.expander = expander
        self.scores = scores

    def answer(self, options: Sequence[Option]) -> Choice:
        """Return the choice.

        It keeps an option whenever there is one: an empty answer would forbid the scale-up.
        """
        if self.scores is not None:
            self.scores.refresh()
        return self.expander.choose(options, Situation())
