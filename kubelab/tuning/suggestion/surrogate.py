"""Models of an objective: from where trials were and how bad they are, to what a place promises.

Used by ``bayesianoptimization``. The models are scikit-learn's, set up much as scikit-optimize 0.10 does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubelab.tuning.parameters import Number
from kubelab.tuning.space import Space

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Model = Callable[[Array], tuple[Array, Array]]

EXPLORATION = 1.96
"""How many standard deviations below the mean LCB looks; scikit-optimize's ``kappa``."""
IMPROVEMENT = 0.01
"""By how much EI and PI want to be better; scikit-optimize's ``xi``."""
QUANTILES = (0.16, 0.5, 0.84)
"""Between the outer two of these, boosted trees take two standard deviations to lie; scikit-optimize's."""
TREES = 100


class Layout:
    """Where each parameter stands in a place: a number by its unit, a choice by one column for each value.

    Parameters
    ----------
    space : Space
        The parameters. One that does not count is in the middle, or none of its choices.

    Attributes
    ----------
    numbers : dict of str to int
        The column of each number.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self.numbers: dict[str, int] = {}
        self.choices: dict[str, dict[str, int]] = {}
        self.width = 0
        for name in space:
            parameter = space.parameter(name)
            if isinstance(parameter, Number):
                self.numbers[name] = self.width
                self.width += 1
            else:
                self.choices[name] = {text: self.width + place for place, text in enumerate(parameter.texts)}
                self.width += parameter.count

    def place(self, texts: Mapping[str, str]) -> list[float]:
        """Return the place of an assignment."""
        columns = [0.0] * self.width
        for name, column in self.numbers.items():
            parameter = self._space.parameter(name)
            columns[column] = parameter.unit(float(texts[name])) if name in texts else 0.5
        for name, by_text in self.choices.items():
            if name in texts:
                columns[by_text[texts[name]]] = 1.0
        return columns

    def moved(self, texts: Mapping[str, str], place: Sequence[float]) -> dict[str, str]:
        """Return an assignment with its numbers as a place has them."""
        found = dict(texts)
        for name in self.numbers.keys() & texts.keys():
            parameter = self._space.parameter(name)
            found[name] = parameter.text(parameter.at(float(place[self.numbers[name]])))
        return found


def fit(name: str, places: Array, losses: Array, seed: int) -> Model:
    """Return a model: from places to the means and the standard deviations of the loss there.

    Parameters
    ----------
    name : {"GP", "RF", "ET", "GBRT"}
        Which.
    places : ndarray of float64, shape (n_trials, n_columns)
        Where the trials were.
    losses : ndarray of float64, shape (n_trials,)
        How bad they are, with mean 0 and deviation 1.
    seed : int
        For what is random in it.
    """
    if name == "GP":
        return _gaussian_process(places, losses, seed)
    return _boosted_trees(places, losses, seed) if name == "GBRT" else _forest(name, places, losses, seed)


def promise(function: str, mean: Array, deviation: Array, best: float) -> Array:
    """Return how much places promise, more being better.

    Parameters
    ----------
    function : {"EI", "PI", "LCB"}
        Expected improvement, its probability, or the lower confidence bound.
    mean, deviation : ndarray of float64, shape (n_places,)
        What the model says.
    best : float
        The least loss so far.
    """
    import numpy as np
    from scipy.special import ndtr

    if function == "LCB":
        return EXPLORATION * deviation - mean
    spread = np.maximum(deviation, 1e-9)
    improvement = best - IMPROVEMENT - mean
    probability = np.asarray(ndtr(improvement / spread))
    if function == "PI":
        return probability
    density = np.exp(-((improvement / spread) ** 2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(improvement * probability + spread * density)


def _gaussian_process(places: Array, losses: Array, seed: int) -> Model:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    smooth = Matern([1.0] * places.shape[1], (0.01, 100.0), nu=2.5)
    kernel = ConstantKernel(1.0, (0.01, 1000.0)) * smooth + WhiteKernel(0.01, (1e-6, 1.0))
    process = GaussianProcessRegressor(kernel, n_restarts_optimizer=1, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(places, losses)
    return lambda at: process.predict(at, return_std=True)


def _forest(name: str, places: Array, losses: Array, seed: int) -> Model:
    import numpy as np
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    kind = RandomForestRegressor if name == "RF" else ExtraTreesRegressor
    forest = kind(n_estimators=TREES, min_samples_leaf=3, random_state=seed).fit(places, losses)

    def model(at: Array) -> tuple[Array, Array]:
        each = np.array([tree.predict(at) for tree in forest.estimators_])
        return each.mean(axis=0), each.std(axis=0)

    return model


def _boosted_trees(places: Array, losses: Array, seed: int) -> Model:
    from sklearn.ensemble import GradientBoostingRegressor

    low, middle, high = (
        GradientBoostingRegressor(loss="quantile", alpha=share, n_estimators=30, random_state=seed).fit(
            places, losses
        )
        for share in QUANTILES
    )
    return lambda at: (middle.predict(at), abs(high.predict(at) - low.predict(at)) / 2)
