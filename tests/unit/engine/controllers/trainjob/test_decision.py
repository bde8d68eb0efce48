from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.bootstrap import jax_distributed
from kubelab.engine.controllers.trainjob.decision import Runtime, TrainJobDecision, decide
from tests.unit.engine.controllers.objects import START, at

RUNTIME = Runtime(jax_distributed())


def train_job(*, status: Object | None = None, **spec: Any) -> Object:
    return {
        "metadata": {
            "name": "digits",
            "namespace": "default",
            "uid": "uid",
            "creationTimestamp": rfc3339(START),
        },
        "spec": {"runtimeRef": {"name": "jax-distributed"}, **spec},
        "status": status or {},
    }


def job_set(*conditions: tuple[str, str, float], suspend: bool = False) -> Object:
    listed = [
        {
            "type": type_,
            "status": status,
            "reason": f"{type_}Reason",
            "message": "why",
            "lastTransitionTime": rfc3339(at(seconds)),
        }
        for type_, status, seconds in conditions
    ]
    counts = {"name": "node", "ready": 1, "succeeded": 0, "failed": 0, "active": 1, "suspended": 0}
    status = {"conditions": listed, "replicatedJobsStatus": [{**counts, "jobRestarts": [1]}]}
    return {"metadata": {"name": "digits"}, "spec": {"suspend": suspend}, "status": status}


def types(decision: TrainJobDecision) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in decision.conditions]


def test_a_running_train_job_has_counts_and_no_conditions() -> None:
    decision = decide(train_job(), RUNTIME, job_set(), START)
    assert decision.conditions == []
    (counts,) = decision.jobs_status
    assert counts == {"name": "node", "ready": 1, "succeeded": 0, "failed": 0, "active": 1, "suspended": 0}
    assert (decision.create, decision.replace) == (None, None)


def test_a_resumed_train_job_has_no_conditions_either() -> None:
    suspended = decide(train_job(suspend=True), RUNTIME, job_set(suspend=True), START)
    assert types(suspended) == [("Suspended", "Suspended")]
    assert [note.reason for note in suspended.notes] == ["Suspended"]
    before = {"conditions": suspended.conditions}
    resumed = decide(
        train_job(status=before), RUNTIME, job_set(("Suspended", "True", 0), suspend=True), at(5)
    )
    assert resumed.conditions == []
    assert [note.reason for note in resumed.notes] == ["Resumed"]
    assert resumed.replace is not None
    assert resumed.replace["spec"]["suspend"] is False


def test_the_end_has_the_job_sets_reason_and_time() -> None:
    decision = decide(train_job(), RUNTIME, job_set(("Failed", "True", 7)), at(9))
    (failed,) = decision.conditions
    assert (failed["reason"], failed["message"], failed["lastTransitionTime"]) == (
        "FailedReason",
        "why",
        rfc3339(at(7)),
    )


def test_a_finished_train_job_stays_so_when_its_job_set_is_gone() -> None:
    done = decide(train_job(), RUNTIME, job_set(("Completed", "True", 7)), at(9))
    later = decide(train_job(status={"conditions": done.conditions}), RUNTIME, None, at(100))
    assert later.conditions == done.conditions
    assert later.create is None


def test_the_deadline_counts_from_creation() -> None:
    job = train_job(activeDeadlineSeconds=60)
    assert decide(job, RUNTIME, job_set(), at(20)).again_after_s == 40
    decision = decide(job, RUNTIME, job_set(), at(60))
    assert decision.delete_job_set
    assert types(decision) == [("Failed", "DeadlineExceeded")]


def test_the_deadline_counts_anew_after_a_suspension() -> None:
    job = train_job(activeDeadlineSeconds=60)
    still = job_set(("Suspended", "True", 10), suspend=True)
    assert decide(job, RUNTIME, still, at(100)).again_after_s is None
    assert decide(job, RUNTIME, job_set(("Suspended", "False", 100)), at(110)).again_after_s == 50


def test_a_missing_runtime_is_a_failure_that_may_pass() -> None:
    decision = decide(train_job(), Runtime(None, "no such runtime"), None, START)
    assert types(decision) == [("Failed", "TrainingRuntimeNotSupported")]
    later = decide(train_job(status={"conditions": decision.conditions}), RUNTIME, None, at(5))
    assert later.conditions == []
    assert later.create is not None


def test_a_job_set_that_runs_needs_no_runtime() -> None:
    assert decide(train_job(), Runtime(None, "deleted"), job_set(), START).conditions == []
