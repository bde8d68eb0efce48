from __future__ import annotations

from kubelab.tuning import Problem, Space, integer, uniform
from tests.unit.tuning.searches import search


def test_the_sequence_leaves_no_gap() -> None:
    problem = Problem(Space({"x": uniform(0, 8), "y": integer(1, 4)}), "loss", algorithm="sobol")
    trials = search(problem, lambda _: 0.0, 16, batch=4)
    eighths = [int(float(each.assignments["x"])) for each in trials]
    assert sorted(eighths) == sorted([*range(8)] * 2)
    assert sorted(each.assignments["y"] for each in trials) == sorted("1234" * 4)
