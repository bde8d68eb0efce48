from __future__ import annotations

from statistics import fmean
from typing import Any

import pytest

from kubelab.tuning import Problem, Space, TrialRecord, choice, integer, suggest, uniform
from kubelab.tuning.errors import SettingError
from kubelab.tuning.suggestion.pbt import GENERATION_LABEL, PARENT_LABEL, RETRY_LABEL
from tests.unit.tuning.searches import search, trial

SPACE = Space({"lr": uniform(0, 1), "width": integer(10, 100), "optimizer": choice("a", "b", "c")})
SETTINGS = {"suggestion_trial_dir": "/data", "n_population": "5", "truncation_threshold": "0.2"}


def pbt(**settings: str) -> Problem:
    return Problem(SPACE, "loss", algorithm="pbt", settings={**SETTINGS, **settings})


def population(
    states: Any = ("Succeeded",) * 5, losses: Any = (5.0, 4.0, 3.0, 2.0, 1.0)
) -> list[TrialRecord]:
    """The first generation; by default trial 0 is the worst and trial 4 the best."""
    first = suggest(pbt(), [], 5).assignments
    return [
        trial(number, [losses[number]], states[number], assignments=each.parameters, labels=each.labels)
        for number, each in enumerate(first)
    ]


def test_the_worst_takes_over_the_best_and_the_others_change_a_little() -> None:
    before = population()
    after = suggest(pbt(), before, 9).assignments
    assert len(after) == 5
    # With 5 trials and a threshold of 0.2, one is below the quantile, and two are above the upper one.
    parents = [each.labels[PARENT_LABEL] for each in after]
    assert parents[0] in ("t3", "t4")
    assert parents[1:] == ["t1", "t2", "t3", "t4"]
    assert after[0].parameters == before[int(parents[0][1])].assignments
    for old, new in zip(before[1:], after[1:], strict=True):
        lr, width = float(old.assignments["lr"]), int(old.assignments["width"])
        assert float(new.parameters["lr"]) == pytest.approx(min(lr * 1.2, 1), abs=1e-6) or float(
            new.parameters["lr"]
        ) == pytest.approx(lr * 0.8, abs=1e-6)
        assert int(new.parameters["width"]) in {
            round(min(max(width * factor, 10), 100)) for factor in (0.8, 1.2)
        }
        assert new.parameters["optimizer"] != old.assignments["optimizer"]
    assert {each.labels[GENERATION_LABEL] for each in after} == {"1"}


def test_a_generation_waits_until_the_one_before_has_ended() -> None:
    waiting = suggest(pbt(), population(states=["Succeeded"] * 4 + ["Running"]), 2)
    assert (waiting.assignments, waiting.exhausted) == ((), False)
    assert waiting.reason == "4 of 5 trials of generation 0 have ended"
    assert len(suggest(pbt(), population()[:3], 9).assignments) == 2


def test_a_trial_that_failed_is_tried_again_once_for_each_failure() -> None:
    members = population(states=["Succeeded", "Failed", *["Succeeded"] * 3])
    (again,) = suggest(pbt(), members, 3).assignments
    assert again.parameters == members[1].assignments
    assert again.labels == {GENERATION_LABEL: "0", RETRY_LABEL: "t1"}
    retry = trial(5, [], "Running", assignments=again.parameters, labels=again.labels)
    assert suggest(pbt(), [*members, retry], 3).assignments == ()
    done = trial(5, [0.5], "Succeeded", assignments=again.parameters, labels=again.labels)
    following = suggest(pbt(), [*members, done], 9).assignments
    assert len(following) == 5
    assert "t1" not in {each.labels[PARENT_LABEL] for each in following}


def test_with_a_probability_parameters_are_drawn_anew_or_kept() -> None:
    before = population()
    kept = suggest(pbt(resample_probability="0"), before, 5).assignments
    assert [each.parameters for each in kept[1:]] == [each.assignments for each in before[1:]]
    drawn = suggest(pbt(resample_probability="1"), before, 5).assignments
    assert all(
        new.parameters["lr"] != old.assignments["lr"] for new, old in zip(drawn[1:], before[1:], strict=True)
    )


def test_generations_get_better_on_a_simple_objective() -> None:
    trials = search(pbt(), lambda values: abs(values["lr"] - 0.5), trials=40, batch=5)
    losses = [each.reports["loss"][0].value for each in trials]
    assert fmean(losses[-10:]) < fmean(losses[:5]) / 2


def test_katibs_required_settings_are_asked_for() -> None:
    with pytest.raises(SettingError, match=r"n_population cannot be '4'. Use a whole number of at least 5"):
        suggest(pbt(n_population="4"), [], 1)
    with pytest.raises(SettingError, match=r"truncation_threshold cannot be '1.5'. Use a number from 0 to 1"):
        suggest(pbt(truncation_threshold="1.5"), [], 1)
    bare = Problem(SPACE, "loss", algorithm="pbt")
    with pytest.raises(
        SettingError, match="suggestion_trial_dir, n_population, truncation_threshold must be there"
    ):
        suggest(bare, [], 1)
