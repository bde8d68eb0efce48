from __future__ import annotations

from dataclasses import replace

from kubelab.training.explanation import explain, why_unscheduled
from kubelab.training.pod.failure import EXIT_PEER_LOST

from .objects import condition, failed_pod, pod, view

NO_CPU = "0/1 nodes are available: 1 Insufficient cpu."


def unschedulable(rank: int) -> dict[str, object]:
    return pod(
        rank,
        "Pending",
        conditions=[
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_CPU}
        ],
    )


def test_a_running_job_says_where_it_is() -> None:
    status = {"trainerStatus": {"metrics": [{"name": "step", "value": "7"}]}}
    assert explain(view(pod(0), pod(1), status=status)) == (
        "TrainJob digits is running on 2 workers, at step 7."
    )


def test_pods_that_do_not_fit_share_one_reason() -> None:
    assert explain(view(unschedulable(0), unschedulable(1))) == (
        "TrainJob digits waits: 0 of 2 workers run. "
        "Ranks 0, 1 wait: 0/1 nodes are available: 1 Insufficient cpu."
    )


def test_an_image_that_is_not_there_is_told_in_the_nodes_words() -> None:
    waiting = {"reason": "ErrImagePull", "message": "this node has no image nothing:1"}
    bad = pod(1, "Pending", containerStatuses=[{"name": "node", "state": {"waiting": waiting}}])
    assert explain(view(pod(0), bad)).endswith(
        "Rank 1 waits: ErrImagePull: this node has no image nothing:1."
    )


def test_a_job_without_pods_tells_the_last_warning() -> None:
    events = [{"type": "Normal", "message": "fine"}, {"type": "Warning", "message": "no such runtime"}]
    assert explain(view(), events) == (
        "TrainJob digits waits: 0 of 2 workers run. It has no pods yet: no such runtime"
    )


def test_a_failed_job_names_the_rank_its_end_its_followers_and_its_last_words() -> None:
    seen = view(
        failed_pod(0, EXIT_PEER_LOST), failed_pod(1, 1), status=condition("Failed", "PodFailurePolicy", "…")
    )
    assert explain(seen, lines=["Traceback", "ValueError: boom", ""]) == (
        "TrainJob digits failed. Rank 1 exited with code 1. Rank 0 ended because of that. "
        "Its last words: ValueError: boom"
    )


def test_a_job_that_failed_without_a_worker_gives_its_own_reason() -> None:
    seen = view(status=condition("Failed", "DeadlineExceeded", "TrainJob exceeded its active deadline"))
    assert explain(seen) == (
        "TrainJob digits failed. DeadlineExceeded: TrainJob exceeded its active deadline"
    )


def test_out_of_memory_is_told_as_such() -> None:
    seen = view(pod(0), failed_pod(1, 137, reason="OOMKilled"))
    assert "rank 1 used more memory than its limit and was killed (OOMKilled" in explain(seen)


def test_a_restarted_job_tells_how_often_and_from_where() -> None:
    seen = view(pod(0, attempt=2), pod(1, attempt=2), checkpoint_every=50)
    assert explain(seen) == (
        "TrainJob digits is running on 2 workers. "
        "Its workers started again twice; they go on from the last complete checkpoint."
    )


def died(pod_name: str, code: int, reason: str = "Error") -> dict[str, object]:
    message = f"Container node ended with exit code {code} ({reason})"
    return {"reason": "ContainerDied", "message": message, "involvedObject": {"name": pod_name}}


def test_the_cause_of_a_restart_is_told_by_events_once_its_pod_is_gone() -> None:
    events = [
        died("digits-node-0-0-aaaaa", 1),
        died("digits-node-0-1-bbbbb", 137),
        died("digits-node-0-0-ccccc", EXIT_PEER_LOST),
    ]
    said = explain(view(pod(0, attempt=1), pod(1, attempt=1), checkpoint_every=50), events)
    assert "started again once because rank 1 was killed by SIGKILL (exit code 137); they go on" in said


def test_a_job_without_checkpoints_is_said_to_begin_again() -> None:
    seen = view(pod(0, attempt=1), pod(1, attempt=1))
    assert explain(seen).endswith("Its workers started again once; without checkpoints they begin again.")


def test_restarts_of_a_jaxjob_are_those_that_its_log_tells() -> None:
    seen = replace(view(pod(0), pod(1), kind="JAXJob", checkpoint_every=50), logged_attempt=2)
    assert "started again twice" in explain(seen)


def test_a_worker_that_only_followed_is_not_called_the_cause() -> None:
    seen = view(failed_pod(0, 134), kind="JAXJob", status=condition("Failed", "JAXJobFailed", "…"))
    assert explain(seen, lines=["F0801 coordination_service: abort"]) == (
        "JAXJob digits failed. Another worker was lost, and rank 0 ended because of that. "
        "A JAXJob without checkpoints is not started again."
    )


def test_a_worker_that_ended_early_is_named() -> None:
    assert explain(view(pod(0), pod(1, "Succeeded"))) == (
        "TrainJob digits is running on 1 of 2 workers; rank 1 has ended already."
    )


def test_only_pods_that_no_node_takes_give_a_reason_to_wait() -> None:
    assert why_unscheduled(view(pod(0), unschedulable(1))) == NO_CPU.rstrip(".")
    assert why_unscheduled(view(pod(0), pod(1, "Pending"))) == ""


def test_a_suspended_job_says_how_to_go_on() -> None:
    for every, said in ((50, "its checkpoints kept; resume() goes on"), (0, "resume() begins again")):
        seen = view(checkpoint_every=every)
        seen.job["spec"]["suspend"] = True
        assert "is suspended" in explain(seen)
        assert said in explain(seen)
