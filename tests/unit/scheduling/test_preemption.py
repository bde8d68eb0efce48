from kubelab.client import Object
from kubelab.scheduling.decide import decide
from kubelab.scheduling.decision import Preemption
from kubelab.scheduling.preemption import preempt
from kubelab.scheduling.selectors import Selector
from kubelab.scheduling.snapshot import Budget
from tests.unit.scheduling.objects import Cluster, cluster, node, pod


def make_room(made: Cluster, obj: Object, *budgets: Budget) -> Preemption:
    info, snapshot = made.info(obj), made.cache.snapshot()
    return preempt(info, snapshot, decide(info, snapshot), budgets)


def test_only_as_many_pods_go_as_needed() -> None:
    low = [
        pod("one", cpu="1", priority=1),
        pod("two", cpu="2", priority=2),
        pod("three", cpu="1", priority=3),
    ]
    made = cluster(node("a"), placed={"a": low})
    assert make_room(made, pod(cpu="1", priority=10)) == Preemption("a", (("default", "one"),))
    assert make_room(made, pod(cpu="3", priority=10)).victims == (("default", "two"), ("default", "one"))


def test_pods_of_equal_or_higher_priority_stay() -> None:
    made = cluster(node("a"), placed={"a": [pod(cpu="4", priority=10)]})
    assert make_room(made, pod(cpu="1", priority=10)).message == (
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )


def test_a_pod_too_large_for_any_node_preempts_nothing() -> None:
    made = cluster(node("a"), placed={"a": [pod(cpu="4", priority=1)]})
    assert make_room(made, pod(cpu="5", priority=10)).message == (
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )


def test_removal_that_is_not_enough_names_what_still_lacks() -> None:
    made = cluster(node("a"), placed={"a": [pod(cpu="3", priority=20), pod(cpu="1", priority=1)]})
    assert make_room(made, pod(cpu="2", priority=10)).message == (
        "0/1 nodes are available: 1 Insufficient cpu."
    )


def test_a_pod_that_never_preempts_says_so() -> None:
    made = cluster(node("a"), placed={"a": [pod(cpu="4", priority=1)]})
    assert make_room(made, pod(cpu="1", priority=10, preemptionPolicy="Never")).message == (
        "not eligible due to preemptionPolicy=Never."
    )


def test_a_pod_waits_for_its_victims_to_end() -> None:
    victim = pod(cpu="4", priority=1)
    victim["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    victim["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    waiting = pod(cpu="1", priority=10)
    waiting["status"]["nominatedNodeName"] = "a"
    assert make_room(cluster(node("a"), placed={"a": [victim]}), waiting).message == (
        "not eligible due to a terminating pod on the nominated node."
    )


def test_the_node_with_the_least_important_victims_is_taken() -> None:
    made = cluster(
        node("a"),
        node("b"),
        node("c"),
        placed={
            "a": [pod(cpu="4", priority=5)],
            "b": [pod(cpu="2", priority=1), pod(cpu="2", priority=2)],
            "c": [pod(cpu="2", priority=5), pod(cpu="2", priority=1)],
        },
    )
    assert make_room(made, pod(cpu="4", priority=10)).node == "b"


def test_a_protected_pod_stays_if_another_can_go() -> None:
    guarded = pod("guarded", cpu="2", priority=1, labels={"app": "db"})
    made = cluster(node("a"), placed={"a": [guarded, pod("other", cpu="2", priority=5)]})
    budget = Budget("default", Selector.equal({"app": "db"}), 0, frozenset())
    assert make_room(made, pod(cpu="2", priority=10), budget).victims == (("default", "other"),)
    assert make_room(made, pod(cpu="4", priority=10), budget).budgets_violated == 1


def test_of_equal_victims_the_one_started_last_goes() -> None:
    placed = {}
    for name, start in (("a", "2026-01-01T00:00:00Z"), ("b", "2026-01-02T00:00:00Z")):
        victim = pod(cpu="4", priority=1)
        victim["status"]["startTime"] = start
        placed[name] = [victim]
    for seed in range(4):
        made = cluster(node("a"), node("b"), placed=placed, seed=seed)
        assert make_room(made, pod(cpu="4", priority=10)).node == "b"


def test_preemption_heeds_anti_affinity() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}}
    rule = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    made = cluster(
        node("a"), placed={"a": [pod("db", labels={"app": "db"}, priority=1), pod("web", priority=1)]}
    )
    assert make_room(made, pod(priority=10, affinity=rule)).victims == (("default", "db"),)
