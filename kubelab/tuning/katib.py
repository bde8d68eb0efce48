"""What kubelab can search for and plain Katib cannot; to be asked before an Experiment is handed to Katib."""

from __future__ import annotations

from kubelab.tuning.errors import KatibError
from kubelab.tuning.parameters import Number
from kubelab.tuning.problem import Problem
from kubelab.tuning.stopping.hyperband import is_live

ALGORITHMS = frozenset(
    {
        "bayesianoptimization",
        "cmaes",
        "grid",
        "hyperband",
        "multivariate-tpe",
        "pbt",
        "random",
        "sobol",
        "tpe",
    }
)
"""Those that katib v0.19.0 installs (``katib-config.yaml``), without the architecture searches."""
_BELLS = frozenset({"random", "tpe"})
"""Those that know normal distributions; ``multivariate-tpe`` and ``grid`` would leave the parameter out, and
the others take it for a uniform one (``pkg/suggestion/v1beta1``)."""


def check_katib(problem: Problem) -> None:
    """Refuse a search that Katib would refuse, or worse, run as another one.

    Raises
    ------
    KatibError
        Saying what Katib does not know, and what to use instead.
    """
    dependent = [name for name in problem.parameters if problem.parameters.conditions(name)]
    if dependent:
        raise KatibError(
            f"{', '.join(dependent)} depends on other parameters",
            "Give it to every trial (without when()), or run one search for each choice.",
        )
    if problem.algorithm not in ALGORITHMS:
        raise KatibError(
            f"it has no algorithm {problem.algorithm}", "Use random with stopping='medianstop', or tpe."
        )
    if is_live(problem):
        raise KatibError(
            "its hyperband has no max_resource",
            "Use the settings r_l and resource_name, or random with stopping='medianstop'.",
        )
    if problem.early_stopping and problem.early_stopping.algorithm != "medianstop":
        raise KatibError(
            f"it has no early stopping {problem.early_stopping.algorithm}", "Use stopping='medianstop'."
        )
    for name in problem.parameters:
        parameter = problem.parameters.parameter(name)
        is_bell = isinstance(parameter, Number) and parameter.distribution in ("normal", "logNormal")
        if is_bell and problem.algorithm not in _BELLS:
            raise KatibError(
                f"its {problem.algorithm} knows no normal distribution, which {name} has",
                "Use uniform() or log(), or the algorithm random or tpe.",
            )
