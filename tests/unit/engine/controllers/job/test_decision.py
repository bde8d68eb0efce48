from datetime import timedelta

from kubelab.clock import rfc3339
from tests.unit.engine.controllers.objects import START, JobWorld, at, indexed, job


def test_a_job_creates_a_pod_and_completes_when_it_succeeds() -> None:
    world = JobWorld(job())
    world.settle()
    (pod,) = world.active()
    assert world.status["active"] == 1
    assert world.status["startTime"] == rfc3339(START)
    world.set_phase(pod, "Running")
    world.settle()
    assert world.status["ready"] == 1
    world.set_phase(pod, "Succeeded")
    world.settle()
    complete = world.condition("Complete")
    assert complete is not None
    assert (complete["reason"], complete["message"]) == (
        "CompletionsReached",
        "Reached expected number of succeeded pods",
    )
    assert world.condition("SuccessCriteriaMet") is not None
    assert world.status["succeeded"] == 1
    assert "active" not in world.status
    assert world.status["uncountedTerminatedPods"] == {}
    assert world.status["completionTime"] == rfc3339(START)
    assert world.notes == ["Completed"]


def test_no_more_pods_run_than_parallelism_allows() -> None:
    world = JobWorld(job(parallelism=2, completions=5))
    world.settle()
    assert len(world.active()) == 2
    world.set_phase(world.active()[0], "Succeeded")
    world.settle()
    assert len(world.active()) == 2
    for _ in range(3):
        world.set_phase(world.active()[0], "Succeeded")
        world.settle()
    assert len(world.active()) == 1
    assert world.status["succeeded"] == 4


def test_lowered_parallelism_deletes_pods_without_counting_them() -> None:
    world = JobWorld(job(parallelism=3, completions=3))
    world.settle()
    world.job["spec"]["parallelism"] = 1
    world.settle()
    assert len(world.pods) == 1
    assert "failed" not in world.status


def test_a_work_queue_job_ends_when_one_pod_succeeded_and_none_runs() -> None:
    work = job(parallelism=2)
    del work["spec"]["completions"]
    world = JobWorld(work)
    world.settle()
    first, second = world.active()
    world.set_phase(first, "Succeeded")
    world.settle()
    assert world.condition("Complete") is None
    assert len(world.active()) == 1
    world.set_phase(second, "Succeeded")
    world.settle()
    assert world.condition("Complete") is not None
    assert world.status["succeeded"] == 2


def test_a_failed_pod_is_replaced_after_ten_seconds_then_twenty() -> None:
    world = JobWorld(job())
    world.settle()
    world.set_phase(world.active()[0], "Failed")
    assert world.settle().again_after_s == 10
    assert world.active() == []
    world.now_s = 10
    world.settle()
    world.set_phase(world.active()[0], "Failed")
    assert world.settle().again_after_s == 20
    assert world.status["failed"] == 2


def test_a_success_starts_the_back_off_over() -> None:
    world = JobWorld(job(parallelism=2, completions=3))
    world.settle()
    world.set_phase(world.active()[0], "Failed")
    world.settle()
    world.now_s = 1
    world.set_phase(world.active()[0], "Succeeded")
    world.settle()
    assert len(world.active()) == 2


def test_a_job_fails_once_its_backoff_limit_is_passed_and_stops_the_others() -> None:
    world = JobWorld(indexed(completions=2, backoffLimit=0))
    world.settle()
    first, second = world.active()
    world.set_phase(second, "Running")
    world.set_phase(first, "Failed")
    world.settle()
    target = world.condition("FailureTarget")
    assert target is not None
    assert target["reason"] == "BackoffLimitExceeded"
    assert world.condition("Failed") is None, "a pod still runs"
    assert world.status["terminating"] == 1
    world.set_phase(second, "Failed", exit_code=143)
    world.settle()
    failed = world.condition("Failed")
    assert failed is not None
    assert failed["message"] == "Job has reached the specified backoff limit"
    assert world.status["failed"] == 2
    assert world.notes == ["BackoffLimitExceeded"]


def test_restarts_in_place_count_against_the_backoff_limit() -> None:
    world = JobWorld(job(pod={"restartPolicy": "OnFailure"}, backoffLimit=2))
    world.settle()
    pod = world.active()[0]
    world.set_phase(pod, "Running", restarts=1)
    world.settle()
    assert world.condition("FailureTarget") is None
    world.set_phase(pod, "Running", restarts=2)
    world.settle()
    assert world.condition("FailureTarget") is not None


def test_each_index_has_a_pod_with_its_hostname_and_annotation() -> None:
    world = JobWorld(indexed(completions=2))
    world.settle()
    pods = [world.pods[world.of_index(index)] for index in range(2)]
    assert [pod["spec"]["hostname"] for pod in pods] == ["work-0", "work-1"]
    assert [pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] for pod in pods] == [
        "0",
        "1",
    ]
    assert pods[1]["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"


def test_completed_indexes_are_recorded_and_not_run_again() -> None:
    world = JobWorld(indexed(completions=5, parallelism=3))
    world.settle()
    for index in (0, 2):
        world.set_phase(world.of_index(index), "Succeeded")
    world.settle()
    assert world.status["completedIndexes"] == "0,2"
    assert sorted(map(world.index_of, world.active())) == [1, 3, 4]


def test_an_index_with_two_pods_loses_one() -> None:
    world = JobWorld(indexed(completions=2))
    world.settle()
    double = dict(world.pods[world.of_index(0)])
    double["metadata"] = {**double["metadata"], "name": "double", "uid": "double"}
    world.pods["double"] = double
    world.settle()
    assert sorted(map(world.index_of, world.active())) == [0, 1]


def test_a_suspended_job_deletes_its_pods_without_counting_them_and_resumes() -> None:
    world = JobWorld(indexed(completions=2, backoffLimit=0))
    world.settle()
    for pod in world.active():
        world.set_phase(pod, "Running")
    world.job["spec"]["suspend"] = True
    world.settle()
    suspended = world.condition("Suspended")
    assert suspended is not None
    assert (suspended["status"], suspended["reason"]) == ("True", "JobSuspended")
    assert world.status["terminating"] == 2
    for pod in list(world.pods):
        world.set_phase(pod, "Failed")
    world.settle()
    assert world.pods == {}
    world.job["spec"]["suspend"] = False
    world.now_s = 60
    world.settle()
    resumed = world.condition("Suspended")
    assert resumed is not None
    assert (resumed["status"], resumed["reason"]) == ("False", "JobResumed")
    assert world.status["startTime"] == rfc3339(at(60))
    assert len(world.active()) == 2
    assert world.notes == ["Suspended", "Resumed"]
    assert "failed" not in world.status


def test_a_job_created_suspended_has_no_start_time() -> None:
    world = JobWorld(job(suspend=True))
    world.settle()
    assert world.pods == {}
    assert "startTime" not in world.status


def test_a_job_past_its_deadline_fails() -> None:
    world = JobWorld(job(activeDeadlineSeconds=30))
    assert world.settle().again_after_s == 30
    world.now_s = 30
    world.settle()
    failed = world.condition("Failed")
    assert failed is not None
    assert (failed["reason"], failed["message"]) == (
        "DeadlineExceeded",
        "Job was active longer than specified deadline",
    )


def test_a_finished_job_expires_after_its_ttl() -> None:
    world = JobWorld(job(ttlSecondsAfterFinished=100))
    world.settle()
    world.set_phase(world.active()[0], "Succeeded")
    assert world.settle().again_after_s == 100
    world.now_s = 100
    world.settle()
    assert world.deleted


def test_exit_codes_may_fail_the_job_at_once() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    world = JobWorld(job(podFailurePolicy={"rules": [rule]}))
    world.settle()
    pod = world.active()[0]
    world.set_phase(pod, "Failed", exit_code=42)
    world.settle()
    failed = world.condition("Failed")
    assert failed is not None
    assert failed["reason"] == "PodFailurePolicy"
    assert failed["message"] == (
        f"Container main for pod default/{pod} failed with exit code 42 matching FailJob rule at index 0"
    )


def test_ignored_failures_do_not_count() -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    world = JobWorld(job(podFailurePolicy={"rules": [rule]}, backoffLimit=0))
    world.settle()
    disrupted = [{"type": "DisruptionTarget", "status": "True"}]
    world.set_phase(world.active()[0], "Failed", conditions=disrupted)
    world.settle()
    assert "failed" not in world.status
    world.now_s = 10
    world.settle()
    assert len(world.active()) == 1


def test_an_index_fails_alone_and_the_job_ends_when_all_are_settled() -> None:
    world = JobWorld(indexed(completions=2, backoffLimitPerIndex=1, backoffLimit=2**31 - 1))
    world.settle()
    for attempt in range(2):
        world.set_phase(world.of_index(0), "Failed")
        decision = world.settle()
        world.now_s += 60 * (attempt + 1)
        if attempt == 0:
            assert decision.again_after_s == 10
            world.settle()
            again = world.pods[world.of_index(0)]
            assert again["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] == "1"
    world.settle()
    assert world.status["failedIndexes"] == "0"
    world.set_phase(world.of_index(1), "Succeeded")
    world.settle()
    failed = world.condition("Failed")
    assert failed is not None
    assert (failed["reason"], failed["message"]) == ("FailedIndexes", "Job has failed indexes")
    assert (world.status["failed"], world.status["completedIndexes"]) == (2, "1")


def test_a_failed_indexs_pod_is_held_until_the_next_one_carries_its_count() -> None:
    world = JobWorld(indexed(completions=1, backoffLimitPerIndex=1, backoffLimit=2**31 - 1))
    world.settle()
    pod = world.of_index(0)
    world.set_phase(pod, "Failed")
    world.settle()
    world.delete(pod)
    assert world.settle().again_after_s == 10
    assert pod in world.pods
    assert world.status["uncountedTerminatedPods"] == {}
    world.now_s = 10
    world.settle()
    again = world.pods[world.of_index(0)]
    assert again["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] == "1"
    assert pod not in world.pods
    assert world.status["failed"] == 1


def test_too_many_failed_indexes_end_the_job() -> None:
    spec = {"backoffLimitPerIndex": 0, "maxFailedIndexes": 1, "backoffLimit": 2**31 - 1}
    world = JobWorld(indexed(completions=4, **spec))
    world.settle()
    for index in range(2):
        world.set_phase(world.of_index(index), "Failed")
    world.settle()
    failed = world.condition("Failed")
    assert failed is not None
    assert failed["reason"] == "MaxFailedIndexesExceeded"
    assert failed["message"] == "Job has exceeded the specified maximal number of failed indexes"


def test_fail_index_settles_an_index_at_its_first_failure() -> None:
    rule = {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [7]}}
    spec = {"backoffLimitPerIndex": 3, "podFailurePolicy": {"rules": [rule]}, "backoffLimit": 2**31 - 1}
    world = JobWorld(indexed(completions=2, **spec))
    world.settle()
    world.set_phase(world.of_index(1), "Failed", exit_code=7)
    world.settle()
    assert world.status["failedIndexes"] == "1"


def test_a_success_policy_ends_the_job_and_stops_the_rest() -> None:
    world = JobWorld(indexed(completions=3, successPolicy={"rules": [{"succeededIndexes": "0"}]}))
    world.settle()
    others = [world.of_index(1), world.of_index(2)]
    for pod in others:
        world.set_phase(pod, "Running")
    world.set_phase(world.of_index(0), "Succeeded")
    world.settle()
    met = world.condition("SuccessCriteriaMet")
    assert met is not None
    assert (met["reason"], met["message"]) == ("SuccessPolicy", "Matched rules at index 0")
    for pod in others:
        world.set_phase(pod, "Failed")
    world.settle()
    complete = world.condition("Complete")
    assert complete is not None
    assert complete["reason"] == "SuccessPolicy"
    assert world.status["completedIndexes"] == "0"


def test_replacements_wait_for_the_end_if_only_failed_pods_are_replaced() -> None:
    world = JobWorld(job(podReplacementPolicy="Failed"))
    world.settle()
    pod = world.active()[0]
    world.set_phase(pod, "Running")
    world.delete(pod)
    world.settle()
    assert world.active() == []
    assert world.status["terminating"] == 1
    world.set_phase(pod, "Failed")
    world.now_s = 10
    world.settle()
    assert len(world.active()) == 1
    assert world.status["failed"] == 1


def test_a_deleted_pod_is_counted_as_failed_and_replaced_at_once_by_default() -> None:
    world = JobWorld(job())
    world.settle()
    pod = world.active()[0]
    world.set_phase(pod, "Running")
    world.delete(pod)
    world.settle()
    assert len(world.active()) == 1
    assert world.status["failed"] == 1


def test_pods_of_a_job_being_deleted_are_let_go() -> None:
    world = JobWorld(job())
    world.settle()
    world.job["metadata"]["deletionTimestamp"] = rfc3339(START + timedelta(seconds=1))
    world.settle()
    assert all(not pod["metadata"]["finalizers"] for pod in world.pods.values())
