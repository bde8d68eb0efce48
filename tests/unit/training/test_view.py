from __future__ import annotations

import pytest

from kubelab.client import Object
from kubelab.training.pod.failure import EXIT_PEER_LOST

from .objects import condition, ended, failed_pod, pod, view

REPORTED = {
    "trainerStatus": {"metrics": [{"name": "loss", "value": "0.5"}, {"name": "step", "value": "120"}]}
}


@pytest.mark.parametrize(
    ("pods", "status", "phase"),
    [
        ([], {}, "Pending"),
        ([pod(0), pod(1, "Pending")], {}, "Pending"),
        ([pod(0), pod(1)], {}, "Running"),
        ([pod(0, "Succeeded"), pod(1)], {}, "Running"),
        ([pod(0, attempt=1), pod(1, "Pending", attempt=1)], {}, "Restarting"),
        ([failed_pod(0, 137), pod(1)], {}, "Restarting"),
        ([failed_pod(0, 1), pod(1)], {}, "Pending"),
        ([pod(0), pod(1)], condition("Complete"), "Succeeded"),
        ([pod(0), pod(1)], condition("Failed"), "Failed"),
    ],
)
def test_the_phase_is_what_conditions_and_pods_say(pods: list[Object], status: Object, phase: str) -> None:
    assert view(*pods, status=status).phase == phase


def test_a_job_that_is_asked_to_be_suspended_is() -> None:
    for kind, spec in (("TrainJob", {"suspend": True}), ("JAXJob", {"runPolicy": {"suspend": True}})):
        seen = view(kind=kind)
        seen.job["spec"] |= spec
        assert seen.phase == "Suspended"


def test_the_summary_says_phase_workers_and_step() -> None:
    assert view(pod(0), pod(1), status=REPORTED).summary() == "Running, 2/2 workers, step 120/300"
    assert view(pod(0), steps=None, status=REPORTED).summary() == "Pending, 1/2 workers, step 120"
    assert view(status=REPORTED | condition("Complete")).summary() == "Succeeded, step 120/300"


def test_of_several_pods_of_a_rank_the_youngest_counts() -> None:
    old, new = failed_pod(1, 137), pod(1, attempt=1)
    seen = view(new, old, pod(0, attempt=1))
    assert seen.workers[1] is new
    assert seen.running == 2


def test_a_pod_that_is_being_deleted_does_not_run() -> None:
    going = pod(1)
    going["metadata"]["deletionTimestamp"] = "2026-08-01T10:00:20Z"
    assert view(pod(0), going).running == 1


def test_the_cause_comes_before_its_consequences_whatever_the_second() -> None:
    seen = view(failed_pod(0, EXIT_PEER_LOST, second=29), failed_pod(1, 137, second=30), failed_pod(2, 134))
    first = seen.first_failure()
    assert first is not None
    assert (first.rank, first.exit_code) == (1, 137)


def test_of_several_causes_the_first_by_time_counts() -> None:
    first = view(failed_pod(0, 1, second=31), failed_pod(1, 1, second=30)).first_failure()
    assert first is not None
    assert first.rank == 1


def test_the_newest_attempts_failure_counts() -> None:
    first = view(failed_pod(0, 137), failed_pod(1, 1, attempt=1, second=50)).first_failure()
    assert first is not None
    assert (first.rank, first.attempt) == (1, 1)


def test_a_container_that_was_started_again_in_place_failed_before() -> None:
    status = {
        "name": "node",
        "restartCount": 2,
        "state": {"running": {}},
        "lastState": {"terminated": ended(137)},
    }
    failure = view(pod(0, containerStatuses=[status])).first_failure()
    assert failure is not None
    assert (failure.attempt, failure.previous) == (1, True)
