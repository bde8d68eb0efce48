"""An Experiment as the search that it asks for, read once for each of its generations."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.tuning import Problem
from kubelab.tuning.stopping import check_stopping
from kubelab.tuning.suggestion import check_algorithm

_MOST = 256


class Problems:
    """The searches of Experiments; those that were read stay until the Experiment's spec changes."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[object, Problem]] = {}

    def of(self, experiment: Object) -> Problem:
        """Return what an Experiment asks for.

        Raises
        ------
        TuningError
            If it is no search that can be made.
        """
        meta = experiment["metadata"]
        generation = (meta.get("generation"), meta.get("annotations"))
        known = self._read.get(meta["uid"])
        if known is not None and known[0] == generation:
            return known[1]
        problem = Problem.from_experiment(experiment)
        if len(self._read) >= _MOST:
            self._read.pop(next(iter(self._read)))
        self._read[meta["uid"]] = (generation, problem)
        return problem


def check(problem: Problem) -> None:
    """Refuse a search whose algorithm or stopping rule is not known, or does not fit it.

    Raises
    ------
    TuningError
        Saying why, with the names that there are.
    """
    check_algorithm(problem)
    check_stopping(problem)
