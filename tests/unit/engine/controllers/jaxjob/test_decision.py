from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.jaxjob.conditions import with_state
from kubelab.engine.controllers.jaxjob.decision import JaxJobDecision, decide
from kubelab.engine.controllers.jaxjob.objects import build_pod
from tests.unit.engine.controllers.objects import START, at


def jax_job(*, replicas: int = 2, restart: str = "Never", **run_policy: Any) -> Object:
    container = {"name": "jax", "image": "kubelab/jax"}
    worker = {
        "replicas": replicas,
        "restartPolicy": restart,
        "template": {"spec": {"containers": [container]}},
    }
    return {
        "metadata": {"name": "psum", "namespace": "default", "uid": "uid"},
        "spec": {"runPolicy": run_policy, "jaxReplicaSpecs": {"Worker": worker}},
        "status": {},
    }


def pod(job: Object, index: int, phase: str = "Running", *, restarts: int = 0) -> Object:
    made = build_pod(job, index)
    made["metadata"]["uid"] = f"pod-{index}"
    container = {"name": "jax", "restartCount": restarts, "state": {}}
    return {**made, "status": {"phase": phase, "containerStatuses": [container]}}


def states(decision: JaxJobDecision) -> list[tuple[str, str]]:
    return [(each["type"], each["status"]) for each in decision.status["conditions"]]


def test_the_workers_above_the_number_of_replicas_go() -> None:
    job = jax_job(replicas=1)
    services = [{"metadata": {"name": f"psum-worker-{index}"}} for index in range(2)]
    decision = decide(job, [pod(job, 0), pod(job, 1)], services, START)
    assert [each["metadata"]["name"] for each in decision.delete_pods] == ["psum-worker-1"]
    assert [each["metadata"]["name"] for each in decision.delete_services] == ["psum-worker-1"]


def test_restarts_in_place_count_against_the_backoff_limit() -> None:
    job = jax_job(restart="OnFailure", backoffLimit=3)
    running = decide(job, [pod(job, 0, restarts=1), pod(job, 1, restarts=1)], [], START)
    assert states(running) == [("Created", "True"), ("Running", "True")]
    failed = decide(job, [pod(job, 0, restarts=2), pod(job, 1, restarts=1)], [], START)
    assert states(failed) == [("Created", "True"), ("Failed", "True")]
    assert len(failed.delete_pods) == 2


def test_the_port_of_the_container_is_the_coordinators() -> None:
    job = jax_job()
    port = {"name": "jaxjob-port", "containerPort": 1234}
    job["spec"]["jaxReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["ports"] = [port]
    container = build_pod(job, 0)["spec"]["containers"][0]
    assert container["ports"] == [port]
    assert {"name": "COORDINATOR_PORT", "value": "1234"} in container["env"]


def test_the_policy_of_the_workers_is_that_of_their_pods() -> None:
    assert build_pod(jax_job(restart="OnFailure"), 0)["spec"]["restartPolicy"] == "OnFailure"
    assert build_pod(jax_job(restart="ExitCode"), 0)["spec"]["restartPolicy"] == "Never"


def test_only_pods_that_run_are_cleaned_up_under_policy_running() -> None:
    job = jax_job(cleanPodPolicy="Running")
    job["status"] = {"conditions": [{"type": "Failed", "status": "True"}], "completionTime": rfc3339(START)}
    decision = decide(job, [pod(job, 0), pod(job, 1, "Failed")], [], START)
    assert [each["metadata"]["name"] for each in decision.delete_pods] == ["psum-worker-0"]


def test_a_decision_leaves_what_it_was_given_as_it_was() -> None:
    job = jax_job(suspend=True)
    job["status"] = {"replicaStatuses": {"Worker": {"active": 2, "selector": "a"}}}
    decision = decide(job, [], [], START)
    assert decision.status["replicaStatuses"] == {"Worker": {"selector": "a"}}
    assert job["status"] == {"replicaStatuses": {"Worker": {"active": 2, "selector": "a"}}}


def test_running_and_restarting_replace_each_other_and_an_end_is_final() -> None:
    listed = with_state([], "Created", "", rfc3339(START))
    listed = with_state(listed, "Running", "", rfc3339(at(1)))
    listed = with_state(listed, "Restarting", "", rfc3339(at(2)))
    assert [each["type"] for each in listed] == ["Created", "Restarting"]
    listed = with_state(listed, "Running", "", rfc3339(at(3)))
    listed = with_state(listed, "Succeeded", "done", rfc3339(at(4)))
    assert [(each["type"], each["status"]) for each in listed] == [
        ("Created", "True"),
        ("Running", "False"),
        ("Succeeded", "True"),
    ]
    assert with_state(listed, "Failed", "late", rfc3339(at(5))) == listed
