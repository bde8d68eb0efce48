import math
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.controllers.trial.decision import Evidence, TrialDecision, decide
from kubelab.tuning import Report, Stop
from tests.unit.engine.controllers.objects import at
from tests.unit.engine.controllers.sweeps import condition, experiment, last, problem, reports, run, trial

COMPLETE = condition("Complete", "CompletionsReached", message="Reached expected number of succeeded pods")
FAILED = condition("Failed", "BackoffLimitExceeded", message="Job has reached the specified backoff limit")
NOTHING = Evidence()
READ = Evidence(reports={"loss": reports(0.9, 0.4, 0.6)}, complete=True)


def decided(of: Object, by: Object | None, evidence: Evidence = NOTHING, **spec: Any) -> TrialDecision:
    return decide(of, by, problem(**spec), evidence, at(60))


def message(decision: TrialDecision) -> str:
    return str(decision.status["conditions"][-1]["message"])


def test_a_trial_without_a_run_creates_one() -> None:
    of = trial()
    of["status"] = {}
    decision = decided(of, None)
    assert last(decision.status) == ("Created", "True", "TrialCreated")
    assert decision.status["startTime"] == "2026-01-31T12:01:00Z"
    assert decision.run == "create"


def test_a_trial_takes_over_the_run_that_its_experiment_made_for_it() -> None:
    owner = experiment()
    of = trial(of=owner)
    decision = decided(of, run(of, owner=owner))
    assert decision.run == "adopt"
    assert last(decision.status) == ("Running", "True", "TrialRunning")


def test_a_trial_runs_while_its_run_has_no_outcome() -> None:
    of = trial()
    decision = decided(of, run(of))
    assert decision.run == ""
    assert last(decision.status) == ("Running", "True", "TrialRunning")


def test_a_run_of_the_same_name_that_is_somebody_elses_is_not_touched() -> None:
    of = trial()
    decision = decided(of, run(of, owner=experiment("stranger")))
    assert last(decision.status)[0] == "Failed"
    assert "a Job named sweep-aaaaaaaa exists that is not the trial's. Delete it" in message(decision)
    of["status"] = decision.status
    assert decided(of, run(of, owner=experiment("stranger"))).run == ""


def test_the_run_of_an_earlier_trial_of_the_same_name_is_waited_out() -> None:
    earlier, of = trial(), trial()
    job = run(earlier)
    job["metadata"]["ownerReferences"][0] |= {"kind": "Trial", "name": earlier["metadata"]["name"]}
    decision = decided(of, job)
    assert decision.run == ""
    assert last(decision.status)[0] == "Created"


def test_success_waits_until_everything_reported_is_read() -> None:
    of = trial(state="Running")
    waiting = decided(of, run(of, COMPLETE), Evidence(reports={"loss": reports(0.9)}))
    assert waiting.read_on
    assert last(waiting.status)[0] == "Running"


def test_a_succeeded_trial_has_the_min_max_and_latest_of_each_metric() -> None:
    of = trial(state="Running")
    texts = {
        "loss": (Report(1, 0.5, 1.0, "0.50"), Report(2, 0.25, 2.0, ".25"), Report(3, 0.75, 3.0, "7.5e-1"))
    }
    decision = decided(
        of,
        run(of, COMPLETE),
        Evidence(reports=texts, complete=True),
        objective={
            "type": "minimize",
            "objectiveMetricName": "loss",
            "additionalMetricNames": ["accuracy"],
        },
    )
    assert last(decision.status) == ("Succeeded", "True", "TrialSucceeded. Job reason: CompletionsReached")
    assert message(decision) == "Trial has succeeded. Job message: Reached expected number of succeeded pods"
    assert decision.status["completionTime"] == "2026-01-31T12:01:00Z"
    assert decision.status["observation"]["metrics"] == [
        {"name": "loss", "min": ".25", "max": "7.5e-1", "latest": "7.5e-1"},
        {"name": "accuracy", "min": "unavailable", "max": "unavailable", "latest": "unavailable"},
    ]


def test_success_without_the_objective_is_metrics_unavailable_and_names_what_was_reported() -> None:
    of = trial(state="Running")
    evidence = Evidence(
        reports={"loss": ()}, complete=True, unavailable="loss was never reported. These were: accuracy."
    )
    decision = decided(of, run(of, COMPLETE), evidence)
    assert last(decision.status) == (
        "MetricsUnavailable",
        "True",
        "MetricsUnavailable. Job reason: CompletionsReached",
    )
    assert message(decision).startswith(
        "Metrics are not available. loss was never reported. These were: accuracy."
    )
    assert decision.status["observation"]["metrics"][0]["latest"] == "unavailable"


def test_a_trial_of_nothing_but_nan_succeeds_and_says_that_it_cannot_be_the_best() -> None:
    of = trial(state="Running")
    decision = decided(of, run(of, COMPLETE), Evidence(reports={"loss": reports(math.nan)}, complete=True))
    assert last(decision.status)[0] == "Succeeded"
    assert "It reported nothing but NaN for loss, so it cannot be the best" in message(decision)


def test_a_failed_run_fails_the_trial_with_its_reason() -> None:
    of = trial(state="Running")
    decision = decided(of, run(of, FAILED), READ)
    assert last(decision.status) == ("Failed", "True", "TrialFailed. Job reason: BackoffLimitExceeded")
    assert message(decision) == "Trial has failed. Job message: Job has reached the specified backoff limit"
    assert "observation" not in decision.status


def test_failure_goes_before_success() -> None:
    of = trial(state="Running")
    assert last(decided(of, run(of, COMPLETE, FAILED), READ).status)[0] == "Failed"


def test_a_verdict_stops_a_trial_with_its_reason_and_keeps_its_observation() -> None:
    of = trial(state="Running")
    reason = "step 3: loss 0.4 is worse than the median 0.2 of 5 trials"
    stopped = Evidence(reports={"loss": reports(0.9, 0.4, 0.6)}, stop=Stop(3, "medianstop", reason))
    decision = decided(of, run(of), stopped)
    assert last(decision.status) == ("EarlyStopped", "True", "TrialEarlyStopped")
    assert message(decision) == reason
    assert decision.status["observation"]["metrics"] == [
        {"name": "loss", "min": "0.4", "max": "0.9", "latest": "0.6"}
    ]
    assert [(note.reason, note.message) for note in decision.notes] == [("TrialEarlyStopped", reason)]


def test_a_run_that_has_succeeded_is_not_stopped_any_more() -> None:
    of = trial(state="Running")
    late = Evidence(reports=READ.reports, complete=True, stop=Stop(3, "medianstop", "too late"))
    assert last(decided(of, run(of, COMPLETE), late).status)[0] == "Succeeded"


def test_a_killed_trial_keeps_its_observation() -> None:
    of = trial(state="Running")
    killed = Evidence(reports=READ.reports, killed="the experiment was asked to stop")
    decision = decided(of, run(of), killed)
    assert last(decision.status) == ("Killed", "True", "TrialKilled")
    assert decision.status["observation"]["metrics"][0]["min"] == "0.4"


def test_what_can_never_be_created_fails_the_trial() -> None:
    decision = decided(trial(), None, Evidence(refusal='Job.batch "x" is invalid'))
    assert last(decision.status)[0] == "Failed"
    assert 'Job.batch "x" is invalid' in message(decision)


def test_a_condition_that_is_not_known_fails_the_trial() -> None:
    of = trial(state="Running", successCondition="status.*")
    assert "has the part '*', which is not known" in message(decided(of, run(of)))


@pytest.mark.parametrize("state", ["Succeeded", "Failed", "EarlyStopped", "Killed", "MetricsUnavailable"])
def test_the_run_of_a_trial_that_is_over_is_deleted(state: str) -> None:
    of = trial(state=state)
    decision = decided(of, run(of, COMPLETE))
    assert decision.run == "delete"
    assert decision.status == of["status"]
    assert decided(of, None).run == ""


def test_a_run_that_is_to_be_retained_is_suspended_if_it_still_runs() -> None:
    of = trial(state="EarlyStopped", retainRun=True)
    job = run(of)
    assert decided(of, job).run == "suspend"
    job["spec"]["suspend"] = True
    assert decided(of, job).run == ""
    assert decided(trial(state="Succeeded", retainRun=True), run(of, COMPLETE)).run == ""


def test_a_trial_that_is_being_deleted_is_left_alone() -> None:
    of = trial(state="Running")
    of["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert decided(of, run(of, COMPLETE), READ).status == of["status"]


def test_a_failed_trial_says_how_its_container_ended() -> None:
    of = trial(state="Running")
    decision = decided(of, run(of, FAILED), Evidence(cause="container main ended with exit code 3"))
    told = "Trial has failed: container main ended with exit code 3. Job message: Job has reached"
    assert message(decision).startswith(told)
