from __future__ import annotations

import pytest
from hypothesis import given, settings

from kubelab.tuning import Problem, Space, choice, integer, log, suggest, uniform, when
from kubelab.tuning.errors import ProblemError, SpaceError
from kubelab.tuning.suggestion.grid import _count, _grid
from tests.unit.tuning.searches import search, spaces, trial

SPACE = Space(
    {
        "width": choice(32, 64),
        "optimizer": choice("adam", "sgd"),
        "momentum": when(uniform(0.7, 0.9, step=0.1), optimizer="sgd"),
    }
)


def grid(space: Space = SPACE, **fields: int) -> Problem:
    return Problem(space, "loss", algorithm="grid", **fields)  # type: ignore[arg-type]


def test_every_combination_comes_once_and_then_no_more() -> None:
    trials = search(grid(), lambda _: 0.0, trials=99, batch=3)
    found = {tuple(each.assignments.values()) for each in trials}
    assert len(trials) == len(found) == 8
    assert found == {
        *((width, "adam") for width in ("32", "64")),
        *((width, "sgd", momentum) for width in ("32", "64") for momentum in ("0.7", "0.8", "0.9")),
    }


def test_the_end_of_the_grid_is_told() -> None:
    trials = [trial(number) for number in range(6)]
    last = suggest(grid(), trials, 5)
    assert (len(last.assignments), last.exhausted) == (2, True)
    assert last.reason == "all 8 combinations of the grid were suggested"
    assert not suggest(grid(), trials, 1).exhausted
    assert suggest(grid(), trials, 2) == suggest(grid(), trials, 2)
    assert suggest(grid(), trials, 2).reason == ""


def test_a_continuous_range_is_refused_with_a_remedy() -> None:
    with pytest.raises(
        SpaceError, match=r"lr: a grid has no end over a continuous range. Give it a step, such as"
    ):
        suggest(grid(Space({"width": integer(1, 3), "lr": log(1e-5, 1e-1)})), [], 1)


def test_more_trials_than_combinations_are_refused_as_katib_does() -> None:
    with pytest.raises(
        ProblemError, match=r"max_trials=9 is more than the grid's 8 combinations. Use max_trials=8"
    ):
        suggest(grid(max_trials=9), [], 1)


@given(spaces())
@settings(max_examples=50, deadline=None)
def test_combinations_are_counted_as_they_are_made(space: Space) -> None:
    finite = Space({name: space[name] for name in space if space.parameter(name).count is not None})
    if _count(finite) <= 500:
        assert _count(finite) == len(set(_grid(finite, "")))


def test_conditions_that_hang_together_are_counted_once() -> None:
    space = Space(
        {
            "a": choice(1, 2),
            "b": when(choice("x", "y"), a=1),
            "c": when(integer(1, 9), b="x"),
            "d": integer(1, 3),
        }
    )
    # a=1, b=x: 9 * 3; a=1, b=y: 3; a=2: 3.
    assert _count(space) == len(set(_grid(space, ""))) == 33


def test_choices_with_parameters_of_their_own_do_not_multiply() -> None:
    optimizers = [f"o{number}" for number in range(12)]
    own = {f"p{each}": when(integer(1, 10), optimizer=each) for each in optimizers}
    space = Space({"optimizer": choice(*optimizers), **own})
    assert _count(space) == len(set(_grid(space, ""))) == 120


def test_a_grid_that_would_never_end_is_refused() -> None:
    with pytest.raises(ProblemError, match="1,000,000 combinations, more than 100,000"):
        suggest(grid(Space({name: integer(1, 100) for name in "abc"})), [], 1)
