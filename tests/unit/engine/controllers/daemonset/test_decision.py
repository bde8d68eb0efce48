from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.daemonset import DaemonSetDecision, decide, layout_of
from kubelab.engine.controllers.daemonset.pods import build_pod, eligibility
from kubelab.engine.controllers.pods import is_deleting, is_ready
from tests.unit.engine.controllers.objects import at, uid
from tests.unit.engine.controllers.workloads import make_ready, workload

NOW = at(100)


def daemon_set(strategy: str = "RollingUpdate", **rolling: Any) -> Object:
    update: Object = {"type": strategy}
    if strategy == "RollingUpdate":
        update["rollingUpdate"] = {"maxUnavailable": 1, "maxSurge": 0, **rolling}
    return workload("DaemonSet", updateStrategy=update)


def node(name: str, *taints: tuple[str, str], **labels: str) -> Object:
    listed = [{"key": key, "effect": effect} for key, effect in taints]
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": listed}}


def pod_on(owner: Object, name: str, digest: str = "new", *, ready: bool = True, phase: str = "") -> Object:
    pod = build_pod(owner, name, digest)
    pod["metadata"] |= {"name": f"{name}-{digest}", "uid": uid(), "creationTimestamp": rfc3339(at(0))}
    pod["status"] = {"phase": phase or "Pending"}
    pod["spec"]["nodeName"] = name
    if ready and not phase:
        make_ready(pod)
    return pod


def decided(owner: Object, nodes: list[Object], pods: list[Object], *waiting: str) -> DaemonSetDecision:
    return decide(layout_of(owner, nodes, pods, "new", NOW), frozenset(waiting))


def names(pods: tuple[Object, ...]) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods]


def test_each_node_gets_a_pod_that_only_it_can_run() -> None:
    web = daemon_set()
    assert decided(web, [node("a"), node("b")], [pod_on(web, "a")]).create == ("b",)
    affinity = build_pod(web, "b", "new")["spec"]["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}


def test_selectors_and_taints_choose_the_nodes() -> None:
    web = daemon_set()
    web["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    assert eligibility(web, node("a", disk="ssd")) == (True, True)
    assert eligibility(web, node("a")) == (False, False)
    assert eligibility(web, node("a", ("gpu", "NoSchedule"), disk="ssd")) == (False, True)
    assert eligibility(web, node("a", ("gpu", "NoExecute"), disk="ssd")) == (False, False)


def test_daemons_run_on_nodes_with_troubles() -> None:
    troubled = [
        node("a", (f"node.kubernetes.io/{key}", effect))
        for key, effect in [
            ("not-ready", "NoExecute"),
            ("unreachable", "NoExecute"),
            ("unschedulable", "NoSchedule"),
            ("disk-pressure", "NoSchedule"),
        ]
    ]
    assert all(eligibility(daemon_set(), each) == (True, True) for each in troubled)


def test_a_pod_on_a_node_that_may_not_have_it_is_deleted_and_counted() -> None:
    web = daemon_set()
    decision = decided(web, [node("a", ("gpu", "NoExecute"))], [pod_on(web, "a")])
    assert names(decision.delete) == ["a-new"]
    assert decision.status["numberMisscheduled"] == 1
    assert decision.status["desiredNumberScheduled"] == 0


def test_a_failed_pod_is_deleted_with_a_word_unless_its_node_waits() -> None:
    web = daemon_set()
    failed = pod_on(web, "a", phase="Failed")
    decision = decided(web, [node("a")], [failed])
    assert names(decision.delete) == ["a-new"]
    (note,) = decision.notes
    assert note.message == "Found failed daemon pod default/a-new on node a, will try to kill it"
    assert decided(web, [node("a")], [failed], "a").delete == ()


def test_on_delete_replaces_nothing_by_itself() -> None:
    web = daemon_set("OnDelete")
    decision = decided(web, [node("a")], [pod_on(web, "a", "old")])
    assert (decision.create, decision.delete) == ((), ())
    assert decision.status.get("updatedNumberScheduled", 0) == 0


def test_a_rolling_update_takes_one_node_at_a_time() -> None:
    web, nodes = daemon_set(), [node("a"), node("b")]
    old = [pod_on(web, "a", "old"), pod_on(web, "b", "old")]
    assert len(decided(web, nodes, old).delete) == 1
    mixed = [pod_on(web, "a", "new", ready=False), pod_on(web, "b", "old")]
    assert decided(web, nodes, mixed).delete == ()


def test_old_pods_that_are_not_available_go_at_once() -> None:
    web, nodes = daemon_set(), [node("a"), node("b")]
    broken = [pod_on(web, "a", "old", ready=False), pod_on(web, "b", "old", ready=False)]
    assert len(decided(web, nodes, broken).delete) == 2


def test_with_surge_the_old_pod_stays_until_the_new_one_is_available() -> None:
    web, nodes = daemon_set(maxSurge=1, maxUnavailable=0), [node("a"), node("b")]
    old = [pod_on(web, "a", "old"), pod_on(web, "b", "old")]
    decision = decided(web, nodes, old)
    assert (len(decision.create), decision.delete) == (1, ())
    starting = [*old, pod_on(web, "a", "new", ready=False)]
    assert decided(web, nodes, starting).delete == ()
    started = [*old, pod_on(web, "a", "new")]
    assert names(decided(web, nodes, started).delete) == ["a-old"]


def test_status_counts_nodes() -> None:
    web = daemon_set()
    nodes = [node("a"), node("b"), node("c")]
    pods = [pod_on(web, "a", "new"), pod_on(web, "b", "old", ready=False)]
    assert decided(web, nodes, pods).status == {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 3,
        "numberReady": 1,
        "observedGeneration": 1,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
        "numberUnavailable": 2,
    }


@settings(max_examples=60)
@given(st.data(), st.integers(1, 6), st.integers(0, 3), st.integers(0, 3))
def test_a_rolling_update_keeps_within_its_budget_and_ends(
    choices: st.DataObject, count: int, surge: int, unavailable: int
) -> None:
    if (surge == 0) == (unavailable == 0):
        surge, unavailable = 0, 1
    web = daemon_set(maxSurge=surge, maxUnavailable=unavailable)
    nodes = [node(f"n{number}") for number in range(count)]
    pods = {f"n{number}-old": pod_on(web, f"n{number}", "old") for number in range(count)}
    for _ in range(200):
        decision = decided(web, nodes, list(pods.values()))
        for name in decision.create:
            pods[f"{name}-new"] = pod_on(web, name, "new", ready=False)
        for pod in decision.delete:
            del pods[pod["metadata"]["name"]]
        living = [pod for pod in pods.values() if not is_deleting(pod)]
        covered = {pod["spec"]["nodeName"] for pod in living if is_ready(pod)}
        assert len(covered) >= count - unavailable
        assert len(living) <= count + surge
        starting = sorted(name for name, pod in pods.items() if not is_ready(pod))
        if starting:
            make_ready(pods[choices.draw(st.sampled_from(starting), label="ready")])
        elif not decision.create and not decision.delete:
            break
    assert sorted(pods) == sorted(f"n{number}-new" for number in range(count))
