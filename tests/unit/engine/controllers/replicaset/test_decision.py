from kubelab.client import Object
from kubelab.engine.controllers.replicaset import decide
from kubelab.engine.controllers.replicaset.decision import status_of
from tests.unit.engine.controllers.objects import at
from tests.unit.engine.controllers.workloads import pod_of, workload

NOW = at(10_000)


def deleted(replica_set: Object, pods: list[Object], related: list[Object] | None = None) -> list[str]:
    decision = decide(replica_set, pods, related if related is not None else pods, NOW)
    return [pod["metadata"]["name"] for pod in decision.delete]


def test_missing_pods_are_created_and_ended_ones_replaced() -> None:
    web = workload("ReplicaSet", replicas=3)
    ended = pod_of(web)
    ended["status"]["phase"] = "Failed"
    assert decide(web, [pod_of(web), ended], [], NOW).create == 2


def test_a_set_being_deleted_creates_nothing() -> None:
    web = workload("ReplicaSet", replicas=3)
    web["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert decide(web, [], [], NOW).create == 0


def test_unassigned_go_before_pending_before_not_ready_before_ready() -> None:
    web = workload("ReplicaSet", replicas=1)
    unassigned, pending = pod_of(web, "unassigned"), pod_of(web, "pending", nodeName="node")
    starting, ready = pod_of(web, "starting", ready_s=1), pod_of(web, "ready", ready_s=1)
    starting["status"]["conditions"] = []
    assert deleted(web, [ready, starting, pending, unassigned]) == ["unassigned", "pending", "starting"]


def test_cheap_pods_go_before_dear_ones() -> None:
    web = workload("ReplicaSet", replicas=1)
    pods = [pod_of(web, name, ready_s=1) for name in ("dear", "usual", "cheap")]
    for pod, cost in ((pods[0], "100"), (pods[2], "-5")):
        pod["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    assert deleted(web, pods) == ["cheap", "usual"]


def test_a_pod_among_many_of_its_kind_goes_first() -> None:
    web = workload("ReplicaSet", replicas=1)
    alone, crowded = pod_of(web, "alone", ready_s=1, nodeName="one"), pod_of(web, "crowded", ready_s=1)
    sibling = pod_of(web, ready_s=1)
    assert deleted(web, [alone, crowded], [alone, crowded, sibling]) == ["crowded"]


def test_younger_pods_go_first_by_powers_of_two() -> None:
    web = workload("ReplicaSet", replicas=1)
    old, young = pod_of(web, "old", ready_s=0), pod_of(web, "young", ready_s=9_900)
    assert deleted(web, [old, young]) == ["young"]


def test_pods_that_restarted_more_often_go_first() -> None:
    web = workload("ReplicaSet", replicas=1)
    steady, shaky = pod_of(web, "steady", ready_s=1), pod_of(web, "shaky", ready_s=1)
    shaky["status"]["containerStatuses"] = [{"name": "main", "restartCount": 3}]
    assert deleted(web, [steady, shaky]) == ["shaky"]


def test_status_counts_labelled_ready_available_and_terminating() -> None:
    web = workload("ReplicaSet", replicas=4, minReadySeconds=30)
    long_ready, just_ready, unlike, going = (
        pod_of(web, ready_s=0),
        pod_of(web, ready_s=9_990),
        pod_of(web),
        pod_of(web, ready_s=0),
    )
    web["spec"]["template"]["metadata"]["labels"]["tier"] = "front"
    for pod in (long_ready, just_ready):
        pod["metadata"]["labels"] = {"app": "web", "tier": "front"}
    going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    pods = [long_ready, just_ready, unlike, going]
    assert status_of(web, pods, "", NOW) == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "observedGeneration": 1,
        "terminatingReplicas": 1,
    }
    assert decide(web, pods, pods, NOW).again_after_s == 20


def test_a_failure_is_a_condition_until_it_is_over() -> None:
    web = workload("ReplicaSet", replicas=1)
    web["status"] = status_of(web, [], "no quota", NOW)
    (failure,) = web["status"]["conditions"]
    assert (failure["type"], failure["reason"], failure["message"]) == (
        "ReplicaFailure",
        "FailedCreate",
        "no quota",
    )
    assert "conditions" not in status_of(web, [pod_of(web)], "", NOW)
