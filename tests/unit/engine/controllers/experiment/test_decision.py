from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.controllers.experiment.decision import decide
from kubelab.sweeps.names import PAUSED_ANNOTATION, STOPPED_ANNOTATION
from tests.unit.engine.controllers.objects import at
from tests.unit.engine.controllers.sweeps import (
    condition,
    decided,
    experiment,
    last,
    suggestion,
    trial,
)


def annotated(of: Object, annotation: str) -> Object:
    of["metadata"]["annotations"] = {annotation: "true"}
    return of


def trials(of: Object, *states: str) -> list[Object]:
    return [
        trial(f"t{number}", state, of=of, age_s=number, loss="0.5" if state == "Succeeded" else None)
        for number, state in enumerate(states)
    ]


def over(of: Object, reason: str = "ExperimentMaxTrialsReached", **status: Any) -> Object:
    of["status"] = {
        "conditions": [
            condition("Created", "ExperimentCreated"),
            condition("Running", "ExperimentRunning", "False"),
            condition("Succeeded", reason),
        ],
        "startTime": "2026-01-31T12:00:00Z",
        "completionTime": "2026-01-31T12:10:00Z",
        **status,
    }
    return of


def test_a_new_experiment_is_created_and_asks_for_as_many_as_may_run() -> None:
    decision = decided(experiment())
    assert last(decision.status) == ("Created", "True", "ExperimentCreated")
    assert decision.status["startTime"] == "2026-01-31T12:00:00Z"
    assert decision.requests == 2
    assert decision.create == ()


def test_suggestions_without_a_trial_are_created() -> None:
    of = experiment()
    decision = decided(of, suggested=suggestion(of, "a", "b"))
    assert [each["name"] for each in decision.create] == ["a", "b"]


def test_suggestions_that_have_a_trial_are_not_created_again() -> None:
    of = experiment()
    decision = decided(of, trial("a", "Running", of=of), suggested=suggestion(of, "a", "b"))
    assert [each["name"] for each in decision.create] == ["b"]
    assert last(decision.status) == ("Running", "True", "ExperimentRunning")


def test_no_more_are_asked_for_than_are_left_of_the_budget() -> None:
    of = experiment(maxTrialCount=4)
    decision = decided(of, *trials(of, "Succeeded", "Failed", "Succeeded"))
    assert decision.requests == 4


def test_without_a_budget_as_many_are_asked_for_as_run_at_a_time() -> None:
    of = experiment(maxTrialCount=None)
    assert decided(of, *trials(of, "Succeeded", "Running")).requests == 3


def test_trials_without_metrics_use_up_places() -> None:
    of = experiment(maxTrialCount=4)
    decision = decided(of, *trials(of, "MetricsUnavailable", "MetricsUnavailable", "Succeeded", "Running"))
    assert decision.requests is None, "upstream creates a fifth trial here"


def test_max_trials_counts_all_finished_trials() -> None:
    of = experiment(maxTrialCount=5)
    ended = ("Succeeded", "Failed", "Killed", "EarlyStopped", "MetricsUnavailable")
    decision = decided(of, *trials(of, *ended), at_s=60)
    assert last(decision.status) == ("Succeeded", "True", "ExperimentMaxTrialsReached")
    found = decision.status["conditions"][-1]["message"]
    assert found == "Experiment has succeeded because max trial count has reached"
    assert decision.status["completionTime"] == "2026-01-31T12:01:00Z"


@pytest.mark.parametrize("state", ["Failed", "MetricsUnavailable"])
def test_max_failed_counts_failed_trials_and_those_without_metrics(state: str) -> None:
    of = experiment(maxFailedTrialCount=2)
    assert last(decided(of, *trials(of, state, "Succeeded")).status)[0] == "Running"
    decision = decided(of, *trials(of, state, "Failed"))
    assert last(decision.status) == ("Failed", "True", "ExperimentFailed")
    message = decision.status["conditions"][-1]["message"]
    assert message == "Experiment has failed because max failed count has reached"


def test_no_failure_is_needed_where_none_may_fail() -> None:
    of = experiment(maxFailedTrialCount=0)
    assert last(decided(of, *trials(of, "Succeeded", "Running")).status)[0] == "Running"
    assert last(decided(of, *trials(of, "Failed", "Running")).status)[0] == "Failed"


@pytest.mark.parametrize(
    ("type_", "goal", "loss", "reached"),
    [
        ("minimize", 0.5, "0.5", True),
        ("minimize", 0.5, "0.51", False),
        ("maximize", 0.5, "0.5", True),
        ("maximize", 0.5, "0.49", False),
        ("minimize", 0.5, "nan", False),
    ],
)
def test_the_goal_is_reached_once_the_best_is_as_good(
    type_: str, goal: float, loss: str, reached: bool
) -> None:
    of = experiment(objective={"type": type_, "goal": goal, "objectiveMetricName": "loss"})
    decision = decided(of, trial("a", "Succeeded", loss, of=of), trial("b", "Running", of=of))
    if reached:
        assert last(decision.status) == ("Succeeded", "True", "ExperimentGoalReached")
    else:
        assert last(decision.status)[0] == "Running"


def test_the_goal_goes_before_too_many_failures() -> None:
    of = experiment(
        objective={"type": "minimize", "goal": 1, "objectiveMetricName": "loss"}, maxFailedTrialCount=1
    )
    decision = decided(of, trial("a", "Succeeded", "0.5", of=of), trial("b", "Failed", of=of))
    assert last(decision.status)[2] == "ExperimentGoalReached"


def test_running_turns_false_and_keeps_its_reason_when_the_experiment_ends() -> None:
    of = experiment(maxTrialCount=2)
    of["status"] = decided(of, *trials(of, "Running", "Running")).status
    listed = decided(of, *trials(of, "Succeeded", "Succeeded")).status["conditions"]
    assert [(each["type"], each["status"]) for each in listed] == [
        ("Created", "True"),
        ("Running", "False"),
        ("Succeeded", "True"),
    ]
    assert listed[1]["reason"] == "ExperimentRunning"


def test_suggestions_that_end_end_the_experiment_once_all_trials_have() -> None:
    of = experiment(maxTrialCount=None)
    ended = [condition("Running", status="False"), condition("Succeeded", "SuggestionEndReached")]
    suggested = suggestion(of, "t0", "t1", conditions=ended)
    assert last(decided(of, *trials(of, "Succeeded", "Running"), suggested=suggested).status)[0] == "Running"
    decision = decided(of, *trials(of, "Succeeded"), suggested=suggested)
    assert [each["name"] for each in decision.create] == ["t1"], "one suggestion has no trial yet"
    decision = decided(of, *trials(of, "Succeeded", "Failed"), suggested=suggested)
    assert last(decision.status) == ("Succeeded", "True", "ExperimentSuggestionEndReached")


def test_a_suggestion_that_failed_fails_the_experiment_and_says_why() -> None:
    of = experiment()
    failed = condition("Failed", "SuggestionFailed", message="Validation failed: gamma cannot be 'x'")
    decision = decided(of, suggested=suggestion(of, conditions=[failed]))
    assert last(decision.status) == ("Failed", "True", "ExperimentFailed")
    assert decision.status["conditions"][-1]["message"] == (
        "Suggestion has failed. Validation failed: gamma cannot be 'x'"
    )


def test_an_experiment_that_is_no_search_fails_with_the_reason() -> None:
    decision = decide(experiment(), [], None, None, at(0), refusal="algorithm 'magic' is not known.")
    assert last(decision.status) == ("Failed", "True", "ExperimentFailed")
    assert "algorithm 'magic' is not known." in decision.status["conditions"][-1]["message"]
    assert decision.requests is None


def test_lowering_parallel_deletes_the_newest_trials_that_have_not_ended() -> None:
    of = experiment(parallelTrialCount=1)
    decision = decided(of, *trials(of, "Running", "Running", "Succeeded"))
    assert [each["metadata"]["name"] for each in decision.delete] == ["t1"]
    assert decision.requests is None


def test_a_paused_experiment_creates_nothing_and_goes_on_running() -> None:
    of = annotated(experiment(), PAUSED_ANNOTATION)
    decision = decided(of, *trials(of, "Running", "Succeeded"), suggested=suggestion(of, "t0", "t1", "t2"))
    assert (decision.requests, decision.create) == (None, ())
    assert last(decision.status) == ("Running", "True", "ExperimentRunning")


def test_a_stopped_experiment_succeeds_once_its_trials_are_killed() -> None:
    of = annotated(experiment(), STOPPED_ANNOTATION)
    waiting = decided(of, *trials(of, "Running", "Succeeded"), suggested=suggestion(of, "t0", "t1", "t2"))
    assert (waiting.requests, waiting.create) == (None, ())
    assert last(waiting.status)[0] == "Running"
    decision = decided(of, *trials(of, "Killed", "Succeeded"))
    assert last(decision.status) == ("Succeeded", "True", "ExperimentStopped")


@pytest.mark.parametrize(
    ("policy", "change"), [("Never", "retire"), ("FromVolume", "retire"), ("LongRunning", "")]
)
def test_the_suggestion_ends_with_the_experiment_unless_it_is_long_running(policy: str, change: str) -> None:
    of = experiment(maxTrialCount=2, resumePolicy=policy)
    assert decided(of, *trials(of, "Succeeded", "Succeeded")).suggestion == change


@pytest.mark.parametrize(("policy", "change"), [("LongRunning", ""), ("FromVolume", "restart")])
def test_a_raised_budget_restarts_an_experiment_that_may_resume(policy: str, change: str) -> None:
    of = over(experiment(maxTrialCount=3, resumePolicy=policy))
    ended = trials(of, "Succeeded", "Succeeded")
    decision = decided(of, *ended, at_s=900)
    assert last(decision.status) == ("Restarting", "True", "ExperimentRestarting")
    assert not any(each["type"] == "Succeeded" for each in decision.status["conditions"])
    assert "completionTime" not in decision.status
    assert decision.suggestion == change
    of["status"] = decision.status
    again = decided(of, *ended, at_s=901)
    assert last(again.status) == ("Running", "True", "ExperimentRunning")
    assert again.requests == 3


@pytest.mark.parametrize(
    ("policy", "reason", "budget"),
    [
        ("Never", "ExperimentMaxTrialsReached", 9),
        ("LongRunning", "ExperimentGoalReached", 9),
        ("LongRunning", "ExperimentMaxTrialsReached", 2),
    ],
)
def test_an_experiment_that_is_over_stays_so_otherwise(policy: str, reason: str, budget: int) -> None:
    of = over(experiment(maxTrialCount=budget, resumePolicy=policy), reason)
    decision = decided(of, *trials(of, "Succeeded", "Succeeded"), at_s=900)
    assert last(decision.status) == ("Succeeded", "True", reason)
    assert decision.requests is None


def test_counts_go_on_after_the_end_for_trials_that_still_ran() -> None:
    of = over(experiment(), "ExperimentGoalReached", trialsRunning=1)
    decision = decided(of, *trials(of, "Succeeded", "Succeeded"))
    assert (decision.status["trialsRunning"], decision.status["trialsSucceeded"]) == (0, 2)


def test_an_experiment_that_is_being_deleted_is_left_alone() -> None:
    of = experiment()
    of["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert decided(of) == decide(of, [], None, None, at(0))
    assert decided(of).status == {}
