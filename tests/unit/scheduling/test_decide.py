from typing import Any

import pytest

from kubelab.client import Object
from kubelab.scheduling.decide import decide
from kubelab.scheduling.decision import Decision
from kubelab.scheduling.preemption import preempt
from kubelab.scheduling.selectors import Selector
from tests.unit.scheduling.objects import Cluster, cluster, host_port, node, pod

GPU_TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def choose(made: Cluster, obj: Object) -> Decision:
    return decide(made.info(obj), made.cache.snapshot())


def message(made: Cluster, obj: Object) -> str:
    return choose(made, obj).message


def affinity(kind: str, **term: Any) -> Object:
    rule = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}, **term}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}


def zones(*names: str) -> list[Object]:
    return [node(f"n{number}", labels={"zone": name}) for number, name in enumerate(names)]


def test_without_nodes_the_message_is_upstreams() -> None:
    assert message(cluster(), pod()) == "no nodes available to schedule pods"


def test_reasons_are_counted_and_sorted_as_upstream_does() -> None:
    made = cluster(node("a", taints=[GPU_TAINT]), node("b", cpu="1"), node("c", cpu="1"))
    assert message(made, pod(cpu="2")) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 2 Insufficient cpu."
    )


def test_the_message_ends_with_what_came_of_preemption() -> None:
    made = cluster(node("a", taints=[GPU_TAINT]), node("b", cpu="1"), node("c"), placed={"c": [pod(cpu="3")]})
    info, snapshot = made.info(pod(cpu="2")), made.cache.snapshot()
    outcome = preempt(info, snapshot, decide(info, snapshot), [])
    assert outcome.message == (
        "0/3 nodes are available: 1 No preemption victims found for incoming pod, "
        "2 Preemption is not helpful for scheduling."
    )


@pytest.mark.parametrize(
    ("nodes", "wanted", "reason"),
    [
        ([node("a", unschedulable=True)], pod(), "1 node(s) were unschedulable"),
        ([node("a", memory="1Gi")], pod(memory="2Gi"), "1 Insufficient memory"),
        ([node("a", memory="1Gi")], pod(cpu="9", memory="2Gi"), "1 Insufficient cpu, 1 Insufficient memory"),
        ([node("a", pods="0")], pod(), "1 Too many pods"),
        (
            [node("a")],
            pod(nodeSelector={"disk": "ssd"}),
            "1 node(s) didn't match Pod's node affinity/selector",
        ),
        (
            [node("a", taints=[{"key": "k", "effect": "NoExecute"}])],
            pod(),
            "1 node(s) had untolerated taint {k: }",
        ),
    ],
)
def test_each_filter_has_upstreams_words(nodes: list[Object], wanted: Object, reason: str) -> None:
    assert message(cluster(*nodes), wanted) == f"0/1 nodes are available: {reason}."


def test_extended_resources_are_named() -> None:
    wanted = pod()
    wanted["spec"]["containers"][0]["resources"]["requests"] = {"nvidia.com/gpu": "1"}
    assert message(cluster(node("a")), wanted) == "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."


def test_a_host_port_can_be_used_once() -> None:
    made = cluster(node("a"), placed={"a": [pod(containers=host_port(80))]})
    assert message(made, pod(containers=host_port(80))) == (
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    )
    assert choose(made, pod(containers=host_port(80, "UDP"))).node == "a"


def test_host_ports_on_different_addresses_do_not_conflict() -> None:
    made = cluster(node("a"), placed={"a": [pod(containers=host_port(80, address="127.0.0.1"))]})
    assert choose(made, pod(containers=host_port(80, address="127.0.0.2"))).node == "a"
    assert not choose(made, pod(containers=host_port(80))).node


def test_a_pod_that_tolerates_unschedulable_gets_a_cordoned_node() -> None:
    tolerations = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    assert choose(cluster(node("a", unschedulable=True)), pod(tolerations=tolerations)).node == "a"


def test_required_node_affinity_by_name_excludes_the_others() -> None:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}
    rule = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    assert choose(cluster(node("a"), node("b")), pod(affinity=rule)).node == "b"
    assert message(cluster(node("a")), pod(affinity=rule)) == (
        "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    )


def test_preferred_node_affinity_wins_over_an_emptier_node() -> None:
    preference = {
        "weight": 50,
        "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]},
    }
    rule = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}}
    made = cluster(node("a"), node("b", labels={"disk": "ssd"}), placed={"b": [pod(cpu="2")]})
    decision = choose(made, pod(affinity=rule))
    assert decision.node == "b"
    assert [(each.plugin, each.value) for each in decision.scores][:2] == [
        ("TaintToleration", 100),
        ("NodeAffinity", 100),
    ]


def test_a_node_that_prefers_no_pods_comes_last() -> None:
    taint = {"key": "old", "effect": "PreferNoSchedule"}
    made = cluster(node("a", taints=[taint]), node("b"), placed={"b": [pod(cpu="2", memory="4Gi")]})
    assert choose(made, pod()).node == "b"


def test_the_emptier_and_better_balanced_node_is_chosen() -> None:
    made = cluster(node("a"), node("b"), placed={"a": [pod(cpu="1", memory="2Gi")]})
    decision = choose(made, pod(cpu="1", memory="2Gi"))
    assert decision.node == "b"
    assert decision.explanation == (
        "b: best of 2 that fit (2 nodes), 475 = 3 x TaintToleration 100 + 1 x NodeResourcesFit 75"
        " + 1 x NodeResourcesBalancedAllocation 100"
    )


def test_a_node_that_has_the_image_is_preferred() -> None:
    big = node("b")
    big["status"]["images"] = [{"names": ["busybox:latest"], "sizeBytes": 900 * 2**20}]
    assert choose(cluster(node("a"), big), pod()).node == "b"


def test_affinity_puts_a_pod_where_its_peers_are() -> None:
    made = cluster(*zones("x", "y"), placed={"n1": [pod(labels={"app": "db"})]})
    assert choose(made, pod(affinity=affinity("podAffinity"))).node == "n1"


def test_affinity_without_peers_has_upstreams_words() -> None:
    assert message(cluster(*zones("x", "y")), pod(affinity=affinity("podAffinity"))) == (
        "0/2 nodes are available: 2 node(s) didn't match pod affinity rules."
    )


def test_the_first_of_a_group_that_wants_its_own_kind_is_placed() -> None:
    assert choose(cluster(*zones("x")), pod(labels={"app": "db"}, affinity=affinity("podAffinity"))).node


def test_anti_affinity_holds_in_both_directions() -> None:
    shy = pod(labels={"app": "web"}, affinity=affinity("podAntiAffinity"))
    made = cluster(*zones("x", "x"), placed={"n0": [pod(labels={"app": "db"})]})
    assert message(made, shy) == ("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.")
    made = cluster(*zones("x", "x"), placed={"n0": [shy]})
    assert message(made, pod(labels={"app": "db"})) == (
        "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules."
    )


def test_affinity_looks_only_into_its_namespaces() -> None:
    made = cluster(*zones("x"), placed={"n0": [pod(labels={"app": "db"}, namespace="other")]})
    assert not choose(made, pod(affinity=affinity("podAffinity"))).node
    assert choose(made, pod(affinity=affinity("podAffinity", namespaces=["other"]))).node
    assert choose(made, pod(affinity=affinity("podAffinity", namespaceSelector={}))).node


def test_preferred_affinity_draws_pods_together() -> None:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    rule = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    made = cluster(*zones("x", "y"), placed={"n1": [pod(labels={"app": "db"}, cpu="1")]})
    assert choose(made, pod(affinity=rule)).node == "n1"


def spread(**more: Any) -> list[Object]:
    return [
        {
            "topologyKey": "zone",
            "maxSkew": 1,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "db"}},
            **more,
        }
    ]


def test_full_nodes_are_better_where_pods_are_to_be_packed() -> None:
    made = cluster(node("a"), node("b"), placed={"b": [pod(cpu="1", memory="2Gi")]})
    assert choose(made, pod(cpu="1", memory="2Gi")).node == "a"
    made.cache.scoring_strategy = "MostAllocated"
    assert choose(made, pod(cpu="1", memory="2Gi")).node == "b"


def test_spread_keeps_the_skew() -> None:
    made = cluster(*zones("x", "x", "y"), placed={"n0": [pod(labels={"app": "db"})]})
    assert choose(made, pod(labels={"app": "db"}, topologySpreadConstraints=spread())).node == "n2"


def test_spread_has_upstreams_words() -> None:
    made = cluster(
        *zones("x"),
        node("y", labels={"zone": "y"}, cpu="0"),
        node("z"),
        placed={"n0": [pod(labels={"app": "db"})]},
    )
    assert message(made, pod(labels={"app": "db"}, cpu="1", topologySpreadConstraints=spread())) == (
        "0/3 nodes are available: 1 Insufficient cpu, "
        "1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't "
        "match pod topology spread constraints (missing required label)."
    )


def test_spread_counts_fewer_domains_than_wanted_as_empty() -> None:
    made = cluster(*zones("x"), placed={"n0": [pod(labels={"app": "db"})]})
    wanted = pod(labels={"app": "db"}, topologySpreadConstraints=spread(minDomains=2))
    assert not choose(made, wanted).node


def test_soft_spread_prefers_the_emptier_domain() -> None:
    made = cluster(
        *zones("x", "x", "y"),
        placed={"n0": [pod(labels={"app": "db"})], "n2": [pod(cpu="3", memory="6Gi")]},
    )
    soft = spread(whenUnsatisfiable="ScheduleAnyway")
    assert choose(made, pod(labels={"app": "db"}, topologySpreadConstraints=soft)).node == "n2"


def test_pods_of_a_service_are_spread_unasked() -> None:
    made = cluster(node("a"), node("b"), placed={"b": [pod(cpu="1", memory="2Gi")]})
    made.place(pod(labels={"app": "web"}), "a")
    assert choose(made, pod(labels={"app": "web"})).node == "a"
    made.cache.set_service("default", "web", Selector.equal({"app": "web"}))
    assert choose(made, pod(labels={"app": "web"})).node == "b"


def test_room_made_for_a_nominated_pod_is_kept() -> None:
    made = cluster(node("a"))
    made.cache.nominate(made.info(pod(cpu="3", priority=10)), "a")
    assert message(made, pod(cpu="2")) == "0/1 nodes are available: 1 Insufficient cpu."
    assert choose(made, pod(cpu="2", priority=11)).node == "a"


def test_a_nominated_pod_gets_its_node_if_it_fits() -> None:
    made = cluster(node("a"), node("b"), placed={"a": [pod(cpu="2")]})
    wanted = pod(cpu="1")
    wanted["status"]["nominatedNodeName"] = "a"
    assert choose(made, wanted).node == "a"
