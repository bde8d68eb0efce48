"""``bayesianoptimization``: a model of the objective, and where it promises most (Snoek et al. 2012).

The settings are Katib's, which are those of scikit-optimize; that package is no longer maintained, so the
models are made here (`surrogate`). ``base_estimator`` is the model: a Gaussian process (GP), random forests
(RF), extremely randomised trees (ET) or boosted trees (GBRT). ``acq_func`` says what promising means:
expected improvement (EI), its probability (PI), the lower confidence bound (LCB), or one of these at random
each time (gp_hedge, which in scikit-optimize learns which to prefer). ``acq_optimizer`` takes the most
promising of random places (sampling), and with a Gaussian process goes uphill from the best of them (lbfgs;
auto chooses).

Trials that still run are taken to be as good as the best one, so that those beside them look elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubelab.tuning.errors import MissingPackageError, SettingError
from kubelab.tuning.objective import final_value
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE, Setting
from kubelab.tuning.suggestion.algorithm import (
    Algorithm,
    Assignment,
    Settings,
    Suggestions,
    random_parameters,
    seed_number,
    startup_trials,
)
from kubelab.tuning.suggestion.surrogate import Layout, fit, promise

if TYPE_CHECKING:
    from kubelab.tuning.suggestion.surrogate import Array

    Promising = Callable[[Array], Array]

INITIAL_POINTS = 10
"""scikit-optimize's default, and Katib's."""
CANDIDATES = 1000
CLIMBERS = 5
CLIMB_STEPS = 20
"""From how many candidates to go uphill, and how far: scikit-optimize's numbers."""


def check(_: Problem, settings: Settings) -> None:
    """Refuse acquisition functions that need to know how long trials took.

    Raises
    ------
    SettingError
        Naming the one to use instead.
    """
    function = settings["acq_func"]
    if function in ("EIps", "PIps"):
        raise SettingError(
            "bayesianoptimization",
            "acq_func",
            f"{function} needs the seconds that trials took, which are not known here",
            f"Use {function[:2]}.",
        )


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return the most promising places; random ones until ``n_initial_points`` trials have a value."""
    known = list(trials)
    chosen = []
    for number in range(len(trials), len(trials) + count):
        parameters = _next(problem, settings, known, number)
        known.append(TrialRecord("", number, parameters))
        chosen.append(Assignment(parameters))
    return Suggestions(tuple(chosen))


def _next(
    problem: Problem, settings: Settings, trials: Sequence[TrialRecord], number: int
) -> Mapping[str, str]:
    losses = [_loss(problem, trial) for trial in trials if trial.has_ended]
    valued = sum(loss is not None for loss in losses)
    initial = settings["n_initial_points"]
    if valued < (startup_trials(problem, INITIAL_POINTS) if initial is None else max(initial, 1)):
        return random_parameters(problem, settings, number)
    return _most_promising(problem, settings, trials, number)


def _most_promising(
    problem: Problem, settings: Settings, trials: Sequence[TrialRecord], number: int
) -> Mapping[str, str]:
    try:
        import sklearn.gaussian_process  # noqa: F401 - brings BLAS in, so that its threads can be limited
        import threadpoolctl
    except ModuleNotFoundError:
        raise MissingPackageError("bayesianoptimization", "scikit-learn") from None
    layout = Layout(problem.parameters)
    # On small matrices BLAS threads only wait for each other: on a busy machine 20 times as long.
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        promising = _promising(problem, settings, trials, layout, number)
        best = _best(_candidates(problem, settings, trials, number), layout, promising)
        if settings["base_estimator"] != "GP" or settings["acq_optimizer"] == "sampling":
            return best[0]
        ends = [layout.moved(start, _uphill(layout, start, promising)) for start in best]
        return _best(ends, layout, promising)[0]


def _promising(
    problem: Problem, settings: Settings, trials: Sequence[TrialRecord], layout: Layout, number: int
) -> Promising:
    """Return what says how much places promise, after what the trials have shown."""
    import numpy as np

    seed = seed_number(problem, settings, number)
    function = settings["acq_func"]
    if function == "gp_hedge":
        function = str(np.random.default_rng(seed).choice(["EI", "LCB", "PI"]))
    places, losses = _known(problem, layout, trials)
    model = fit(settings["base_estimator"], places, losses, seed)
    return lambda at: promise(function, *model(at), float(losses.min()))


def _best(candidates: Sequence[dict[str, str]], layout: Layout, promising: Promising) -> list[dict[str, str]]:
    """Return the candidates that promise most, the best first."""
    import numpy as np

    found = promising(np.array([layout.place(each) for each in candidates]))
    return [candidates[int(place)] for place in np.argsort(-found, kind="stable")[:CLIMBERS]]


def _known(problem: Problem, layout: Layout, trials: Sequence[TrialRecord]) -> tuple[Array, Array]:
    """Return where the trials are, and how bad, with mean 0 and deviation 1."""
    import numpy as np

    losses = {trial.number: _loss(problem, trial) for trial in trials}
    best = min(loss for loss in losses.values() if loss is not None)
    losses.update({trial.number: best for trial in trials if not trial.has_ended})
    places = [layout.place(trial.assignments) for trial in trials if losses[trial.number] is not None]
    values = np.array([loss for loss in losses.values() if loss is not None])
    return np.array(places), (values - values.mean()) / (values.std() or 1.0)


def _candidates(
    problem: Problem, settings: Settings, trials: Sequence[TrialRecord], number: int
) -> list[dict[str, str]]:
    """Return random places that were not tried yet; all of them where there is no such place."""
    drawn = [random_parameters(problem, settings, number, place) for place in range(CANDIDATES)]
    tried = {tuple(sorted(trial.assignments.items())) for trial in trials}
    return [each for each in drawn if tuple(sorted(each.items())) not in tried] or drawn


def _uphill(layout: Layout, start: Mapping[str, str], promising: Promising) -> list[float]:
    """Return where the way uphill from a place ends, changing only numbers."""
    import numpy as np
    from scipy.optimize import minimize

    place = np.array(layout.place(start))
    columns = [layout.numbers[name] for name in start if name in layout.numbers]
    if not columns:
        return [float(each) for each in place]

    def moved(units: Array) -> Array:
        at = place.copy()
        at[columns] = units
        return at

    options: dict[str, Any] = {"maxiter": CLIMB_STEPS}
    bounds = [(0.0, 1.0)] * len(columns)
    end = minimize(lambda x: -promising(moved(x)[None])[0], place[columns], bounds=bounds, options=options)
    return [float(each) for each in moved(end.x)]


def _loss(problem: Problem, trial: TrialRecord) -> float | None:
    value = final_value(problem, trial)
    return problem.sign * value if value is not None and math.isfinite(value) else None


BAYESIANOPTIMIZATION = Algorithm(
    {
        "base_estimator": Setting("text", default="GP", one_of=("GP", "RF", "ET", "GBRT")),
        "n_initial_points": Setting("int", least=0),
        "acq_func": Setting(
            "text", default="gp_hedge", one_of=("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps")
        ),
        "acq_optimizer": Setting("text", default="auto", one_of=("auto", "sampling", "lbfgs")),
        **RANDOM_STATE,
    },
    suggest,
    check,
)
