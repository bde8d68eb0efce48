"""Hyperband's rungs against a whole search computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from kubelab.tuning import Problem, Space, TrialRecord, choice, integer, suggest, uniform, when
from kubelab.tuning.errors import ProblemError, SettingError
from kubelab.tuning.suggestion import check_algorithm
from tests.unit.tuning.searches import search, trial

SPACE = Space({"x": uniform(0, 1), "epochs": integer(1, 9)})
SETTINGS = {"resource_name": "epochs", "r_l": "9"}


def hyperband(space: Space = SPACE, parallel: int = 9, **settings: str) -> Problem:
    return Problem(space, "loss", algorithm="hyperband", parallel=parallel, settings={**SETTINGS, **settings})


def test_the_whole_search_has_the_rungs_of_the_paper() -> None:
    # R = 9, eta = 3: 9 trials with 1, 3 with 3, 1 with 9; then 5 with 3, 1 with 9; then 3 with 9.
    trials = search(hyperband(), lambda values: values["x"], trials=99, batch=9)
    epochs = [int(each.assignments["epochs"]) for each in trials]
    assert epochs == [*[1] * 9, *[3] * 3, 9, *[3] * 5, 9, *[9] * 3]
    first = sorted(float(each.assignments["x"]) for each in trials[:9])
    assert [float(each.assignments["x"]) for each in trials[9:13]] == [*first[:3], first[0]]
    assert len({each.assignments["x"] for each in [*trials[:9], *trials[13:18], *trials[19:]]}) == 17
    last = suggest(hyperband(), trials, 1)
    assert (last.assignments, last.exhausted) == ((), True)
    assert last.reason == "all brackets of hyperband were searched"


def started(count: int, ended: int, losses: Any = None) -> list[TrialRecord]:
    first = suggest(hyperband(), [], count).assignments
    return [
        trial(
            number,
            [losses[number] if losses else float(number)],
            "Succeeded" if number < ended else "Running",
            assignments=assignment.parameters,
        )
        for number, assignment in enumerate(first)
    ]


def test_the_next_rung_waits_for_all_of_the_one_before() -> None:
    waiting = suggest(hyperband(), started(9, ended=8), 2)
    assert (waiting.assignments, waiting.exhausted) == ((), False)
    assert waiting.reason == "8 trials of the rung before have ended, not yet all"
    assert len(suggest(hyperband(), started(9, ended=9), 2).assignments) == 2
    # A rung that is not full yet is filled meanwhile.
    assert len(suggest(hyperband(), started(7, ended=0), 9).assignments) == 2


def test_rungs_outside_the_range_of_what_they_give_are_refused() -> None:
    for least, most in ((2, 9), (1, 8)):
        space = Space({"x": uniform(0, 1), "epochs": integer(least, most)})
        with pytest.raises(SettingError, match="gives epochs from 1 to 9, outside its range"):
            check_algorithm(hyperband(space))


def test_trials_without_a_value_do_not_go_on() -> None:
    nan = float("nan")
    trials = started(9, ended=9, losses=[nan, 5.0, nan, 4.0, *[nan] * 5])
    onwards = suggest(hyperband(), trials, 3)
    assert [each.parameters["x"] for each in onwards.assignments] == [
        trials[3].assignments["x"],
        trials[1].assignments["x"],
    ]
    # With none at all, the bracket is over and the next begins.
    none = suggest(hyperband(), started(9, ended=9, losses=[nan] * 9), 9)
    assert [each.parameters["epochs"] for each in none.assignments] == ["3"] * 5


def test_what_katib_refuses_is_refused() -> None:
    refused: list[tuple[Problem, type[Exception], str]] = [
        (hyperband(parallel=8), ProblemError, r"parallel=8 is less than the 9 trials of .* Use parallel=9"),
        (
            hyperband(resource_name="steps"),
            SettingError,
            r"resource_name cannot be 'steps'. Choose one of: x, ep",
        ),
        (hyperband(r_l="0"), SettingError, r"r_l cannot be '0'. Use a number of at least 1"),
        (
            Problem(SPACE, "loss", algorithm="hyperband", parallel=9, settings={"r_l": "9"}),
            SettingError,
            r"resource_name is missing. Add it to the settings: r_l, resource_name must be there",
        ),
        (
            hyperband(Space({"epochs": choice(1, 3, 9)})),
            SettingError,
            r"resource_name cannot be 'epochs', a choice. Make epochs an integer",
        ),
        (
            hyperband(Space({"a": choice(1, 2), "epochs": when(integer(1, 9), a=1)})),
            SettingError,
            r"resource_name cannot be 'epochs'. Choose one of: a.",
        ),
    ]
    for problem, error, message in refused:
        with pytest.raises(error, match=message):
            suggest(problem, [], 1)
