"""What pods on simulated nodes do next, and what their nodes report: decisions without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.nodes.simulated.addresses import SimulatedAddresses
from kubelab.engine.nodes.simulated.node import lease, node_status
from kubelab.engine.nodes.simulated.stages import Place, Step, next_step
from kubelab.engine.nodes.simulated.usage import DeclaredUsage, shared, usage_at
from kubelab.engine.usage import Usage
from kubelab.node_template import NodeTemplate, simulated_node
from kubelab.simulated_pod import PREFIX, Declaration, DeclarationError

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
PLACE = Place("198.18.0.9", "198.18.0.1")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def made(*, of_job: bool = False, spec: Object | None = None, **declared: str) -> Object:
    """Return a pod bound to a simulated node; ``exit_code="1"`` declares ``exit-code``."""
    annotations = {PREFIX + name.replace("_", "-"): value for name, value in declared.items()}
    owners = [{"kind": "Job", "name": "work", "controller": True}] if of_job else []
    return {
        "metadata": {
            "name": "pod",
            "namespace": "default",
            "annotations": annotations,
            "ownerReferences": owners,
        },
        "spec": {
            "nodeName": "node",
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "x"}],
            **(spec or {}),
        },
        "status": {"phase": "Pending"},
    }


def stepped(pod: Object, seconds: float) -> Step:
    """Decide, and let the pod have the status that was decided."""
    step = next_step(pod, PLACE, at(seconds))
    if step.status is not None:
        pod["status"] = step.status
    return step


def container(pod: Object) -> Any:
    return pod["status"]["containerStatuses"][0]


def deleted(pod: Object, seconds: float, grace_s: int = 30) -> None:
    pod["metadata"]["deletionGracePeriodSeconds"] = grace_s
    pod["metadata"]["deletionTimestamp"] = rfc3339(at(seconds + grace_s))


def test_a_pod_runs_at_once_and_for_good() -> None:
    pod = made()
    stepped(pod, 0)
    status = pod["status"]
    assert (status["phase"], status["podIP"], status["hostIP"]) == ("Running", "198.18.0.9", "198.18.0.1")
    assert {each["type"]: each["status"] for each in status["conditions"]}["Ready"] == "True"
    assert stepped(pod, 86_400) == Step()


def test_a_pod_of_a_job_completes_after_a_second() -> None:
    pod = made(of_job=True)
    stepped(pod, 0)
    assert stepped(pod, 0.25) == Step(again_s=0.75)
    stepped(pod, 1)
    assert pod["status"]["phase"] == "Succeeded"
    assert container(pod)["state"]["terminated"]["reason"] == "Completed"
    assert stepped(pod, 2) == Step()


def test_a_pod_that_is_owned_otherwise_goes_on() -> None:
    pod = made()
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "controller": True}]
    assert Declaration.of(pod).run_s is None


def test_a_pod_waits_for_its_start_delay() -> None:
    pod = made(start_delay="10")
    assert stepped(pod, 0).again_s == 10
    assert pod["status"]["phase"] == "Pending"
    assert container(pod)["state"]["waiting"]["reason"] == "ContainerCreating"
    assert stepped(pod, 4) == Step(again_s=6)
    stepped(pod, 10)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["startTime"] == rfc3339(START)


def test_a_pod_fails_with_its_exit_code_and_reason() -> None:
    pod = made(run_duration="5", exit_code="137", reason="OOMKilled")
    stepped(pod, 0)
    stepped(pod, 5)
    assert pod["status"]["phase"] == "Failed"
    ended = container(pod)["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    assert (ended["startedAt"], ended["finishedAt"]) == (rfc3339(at(0)), rfc3339(at(5)))


def test_a_failure_restarts_first_at_once_and_then_after_a_back_off() -> None:
    pod = made(run_duration="5", exit_code="1", spec={"restartPolicy": "OnFailure"})
    stepped(pod, 0)
    stepped(pod, 5)
    assert (pod["status"]["phase"], container(pod)["restartCount"]) == ("Running", 1)
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 1
    assert stepped(pod, 10).again_s == 10
    assert container(pod)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert stepped(pod, 13) == Step(again_s=7)
    stepped(pod, 20)
    assert ("running" in container(pod)["state"], container(pod)["restartCount"]) == (True, 2)
    assert stepped(pod, 25).again_s == 20


def test_back_off_is_five_minutes_at_most() -> None:
    pod = made(exit_code="1", spec={"restartPolicy": "Always"})
    stepped(pod, 0)
    container(pod)["restartCount"] = 2_000
    assert stepped(pod, 1).again_s == 300


def test_on_failure_leaves_what_succeeded() -> None:
    pod = made(of_job=True, spec={"restartPolicy": "OnFailure"})
    stepped(pod, 0)
    stepped(pod, 1)
    assert pod["status"]["phase"] == "Succeeded"


def test_a_deleted_pod_ends_and_goes_at_once_unless_it_declares_otherwise() -> None:
    pod = made()
    stepped(pod, 0)
    deleted(pod, 5)
    step = stepped(pod, 5)
    assert step.delete
    assert pod["status"]["phase"] == "Failed"
    assert container(pod)["state"]["terminated"]["exitCode"] == 143


def test_a_deleted_pod_takes_its_termination_delay() -> None:
    pod = made(termination_delay="10")
    stepped(pod, 0)
    deleted(pod, 5)
    assert stepped(pod, 7) == Step(again_s=8)
    assert stepped(pod, 15).delete


def test_a_pod_that_takes_longer_than_its_grace_is_killed() -> None:
    pod = made(termination_delay="100")
    stepped(pod, 0)
    deleted(pod, 5)
    assert stepped(pod, 34.5) == Step(again_s=0.5)
    assert stepped(pod, 35).delete
    assert container(pod)["state"]["terminated"]["exitCode"] == 137


def test_a_deleted_pod_that_had_ended_keeps_its_end() -> None:
    pod = made(of_job=True)
    stepped(pod, 0)
    stepped(pod, 1)
    deleted(pod, 5)
    assert stepped(pod, 5) == Step(delete=True)


def test_what_finalizers_hold_is_not_deleted_again() -> None:
    pod = made()
    stepped(pod, 0)
    deleted(pod, 5, grace_s=0)
    assert not stepped(pod, 5).delete
    assert pod["status"]["phase"] == "Failed"
    assert stepped(pod, 6) == Step()


def test_init_containers_are_done_and_sidecars_run() -> None:
    inits = [{"name": "init", "image": "x"}, {"name": "side", "image": "x", "restartPolicy": "Always"}]
    pod = made(spec={"initContainers": inits})
    stepped(pod, 0)
    assert pod["status"]["phase"] == "Running"
    states = {each["name"]: next(iter(each["state"])) for each in pod["status"]["initContainerStatuses"]}
    assert states == {"init": "terminated", "side": "running"}


def test_a_pod_of_the_hosts_network_has_its_address() -> None:
    pod = made(spec={"hostNetwork": True})
    stepped(pod, 0)
    assert pod["status"]["podIP"] == PLACE.host_address


@pytest.mark.parametrize(
    "declared",
    [
        {"run_duration": "soon"},
        {"start_delay": "-1"},
        {"termination_delay": "inf"},
        {"exit_code": "256"},
        {"cpu": "much"},
        {"memory": "-1Gi"},
        {"usage": "[]"},
        {"usage": "{}"},
        {"usage": "[[0, 1]]"},
        {"usage": "[[5, 1, 1], [0, 1, 1]]"},
        {"usage": "[[0, -1, 1]]"},
    ],
)
def test_a_declaration_without_meaning_fails_the_pod_and_says_which(declared: dict[str, str]) -> None:
    pod = made(**declared)
    with pytest.raises(DeclarationError):
        Declaration.of(pod)
    stepped(pod, 0)
    (name,) = declared
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "InvalidSimulation")
    assert PREFIX + name.replace("_", "-") in pod["status"]["message"]
    assert usage_at(pod, START) is None
    assert stepped(pod, 1) == Step()


def test_use_follows_the_series_from_the_start_of_the_run() -> None:
    pod = made(start_delay="100", usage="[[10, 250, 1000], [60, 750, 2000]]")
    stepped(pod, 0)
    assert usage_at(pod, at(50)) is None
    stepped(pod, 100)
    assert usage_at(pod, at(100)) == Usage(250_000_000, 1000)
    assert usage_at(pod, at(159)) == Usage(250_000_000, 1000)
    assert usage_at(pod, at(160)) == Usage(750_000_000, 2000)
    assert usage_at(pod, at(9_999)) == Usage(750_000_000, 2000)


def test_a_series_with_a_beginning_goes_on_in_the_next_run_and_repeats() -> None:
    points = [[0, 100, 1000], [3600, 900, 2000]]
    text = json.dumps({"points": points, "since": rfc3339(START), "every": 7200})
    pod = made(start_delay="3000", usage=text)
    stepped(pod, 0)
    stepped(pod, 3000)
    assert usage_at(pod, at(3599)) == Usage(100_000_000, 1000)
    assert usage_at(pod, at(3600)) == Usage(900_000_000, 2000)
    assert usage_at(pod, at(7200)) == Usage(100_000_000, 1000)
    assert usage_at(pod, at(86_400 + 3600)) == Usage(900_000_000, 2000)


def test_a_container_that_uses_more_memory_than_its_limit_is_killed_when_it_does() -> None:
    limited = {"name": "main", "image": "x", "resources": {"limits": {"memory": "1500"}}}
    spec = {"containers": [limited], "restartPolicy": "Always"}
    pod = made(spec=spec, usage="[[0, 100, 1000], [60, 100, 1500], [120, 100, 1501]]")
    stepped(pod, 0)
    assert stepped(pod, 30) == Step(again_s=90)
    assert stepped(pod, 60) == Step(again_s=60)
    stepped(pod, 120)
    assert container(pod)["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 137
    assert container(pod)["restartCount"] == 1


def test_a_container_within_its_limit_runs_to_its_end() -> None:
    limited = {"name": "main", "image": "x", "resources": {"limits": {"memory": "2000"}}}
    pod = made(spec={"containers": [limited]}, usage="[[0, 100, 1000], [60, 100, 3000]]", run_duration="60")
    stepped(pod, 0)
    stepped(pod, 60)
    assert pod["status"]["phase"] == "Succeeded"


def test_a_node_says_what_pods_of_a_workload_use_there() -> None:
    pod = made(cpu="100m")
    pod["metadata"]["labels"] = {"pod-template-hash": "5d4"}
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web-5d4", "controller": True}]
    stepped(pod, 0)
    node = simulated_node("node", NodeTemplate())
    assert usage_at(pod, at(1), node) == Usage(100_000_000, 0)
    node["metadata"]["annotations"]["usage.simulated.kubelab.dev/default.web"] = "[[0, 800, 5000]]"
    assert usage_at(pod, at(1), node) == Usage(800_000_000, 5000)


def test_constant_use_is_a_quantity_and_none_declared_is_none() -> None:
    pod = made(cpu="1.5", memory="128Mi")
    stepped(pod, 0)
    assert usage_at(pod, at(1)) == Usage(1_500_000_000, 128 * 1024**2)
    silent = made()
    stepped(silent, 0)
    assert usage_at(silent, at(1)) == Usage(0, 0)


def test_containers_share_what_their_pod_uses() -> None:
    assert shared(Usage(7, 9), ["a", "b"]) == {"a": Usage(4, 5), "b": Usage(3, 4)}


def test_a_node_uses_what_its_pods_use() -> None:
    class At:
        def now(self) -> datetime:
            return at(1)

    pods = [made(cpu="1", memory="1Ki"), made(cpu="2", memory="1Ki"), made(of_job=True, cpu="4")]
    for pod in pods:
        stepped(pod, 0)
    stepped(pods[2], 1)  # ended: it uses nothing
    nodes = {name: simulated_node(name, NodeTemplate()) for name in ("empty", "node")}
    source = DeclaredUsage(At(), lambda: nodes, lambda: pods)
    found = {each.name: each.usage for each in source.nodes()}
    assert found == {"empty": Usage(0, 0), "node": Usage(3_000_000_000, 2048)}
    assert [each.containers["main"].cpu_nanocores for each in source.pods()] == [10**9, 2 * 10**9]


def test_an_adopted_node_is_ready_and_keeps_what_it_declares() -> None:
    node = simulated_node("node", NodeTemplate(cpu=8))
    status = node_status(node, "198.18.0.1", START)
    assert status is not None
    assert "capacity" not in status
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    assert status["addresses"][0] == {"type": "InternalIP", "address": "198.18.0.1"}
    node["status"] |= status
    assert node_status(node, "198.18.0.1", at(60)) is None


def test_a_node_without_capacity_gets_the_templates() -> None:
    node = simulated_node("node", NodeTemplate(cpu=8))
    del node["status"]
    status = node_status(node, "198.18.0.1", START)
    assert status is not None
    assert status["allocatable"]["cpu"] == "32"


def test_a_node_that_is_made_ill_stays_ill_and_one_that_is_unknown_recovers() -> None:
    node = simulated_node("node", NodeTemplate())
    node["status"] |= node_status(node, "198.18.0.1", START) or {}
    ready = node["status"]["conditions"][3]
    ready["status"] = "False"
    assert node_status(node, "198.18.0.1", at(5)) is None
    ready["status"] = "Unknown"
    status = node_status(node, "198.18.0.1", at(5))
    assert status is not None
    assert status["conditions"][3]["status"] == "True"
    assert status["conditions"][3]["lastTransitionTime"] == rfc3339(at(5))


def test_a_lease_goes_with_its_node() -> None:
    node: Object = {"metadata": {"name": "node", "uid": "1"}}
    made = lease(node, START, 300)
    assert made["metadata"]["ownerReferences"][0]["uid"] == "1"
    assert made["spec"]["leaseDurationSeconds"] == 300


def test_an_address_is_its_owners_alone_and_is_not_soon_given_again() -> None:
    addresses = SimulatedAddresses()
    addresses.keep("old", "198.18.0.1")
    first = addresses.of("new")
    assert first == "198.18.0.2"
    assert addresses.of("new") == first
    addresses.release("new")
    assert addresses.of("third") == "198.18.0.3"
