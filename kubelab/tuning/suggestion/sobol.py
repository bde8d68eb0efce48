"""``sobol``: a Sobol sequence, which leaves no large gaps, scrambled by the seed (SciPy's)."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.tuning.errors import MissingPackageError
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE
from kubelab.tuning.suggestion.algorithm import Algorithm, Assignment, Settings, Suggestions, seed_number


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return the next points of the sequence."""
    try:
        from scipy.stats import qmc
    except ModuleNotFoundError:
        raise MissingPackageError("sobol", "scipy") from None
    space = problem.parameters
    sequence = qmc.Sobol(len(space), rng=seed_number(problem, settings))
    if trials:
        sequence.fast_forward(len(trials))
    chosen = []
    for _ in range(count):
        place = dict(zip(space, map(float, sequence.random()[0]), strict=True))
        chosen.append(
            space.draw(lambda name, parameter, place=place: parameter.text(parameter.at(place[name])))  # type: ignore[misc]
        )
    return Suggestions(tuple(map(Assignment, chosen)))


SOBOL = Algorithm(RANDOM_STATE, suggest)
