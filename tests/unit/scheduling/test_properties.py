"""What holds for every cluster: nothing is over-committed, no filter broken, no answer depends on memory."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.scheduling.decide import Checks, decide
from kubelab.scheduling.decision import Decision
from kubelab.scheduling.preemption import preempt
from kubelab.scheduling.selectors import Selector
from kubelab.scheduling.snapshot import PodInfo
from tests.unit.scheduling.objects import Cluster, node, pod

ZONES = ("x", "y")
APPS = ("web", "db")


@st.composite
def nodes(draw: st.DrawFn) -> list[Object]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        labels = draw(st.sampled_from([{}, *({"zone": zone} for zone in ZONES)]))
        taints = draw(
            st.sampled_from(
                [[], [{"key": "k", "effect": "NoSchedule"}], [{"key": "p", "effect": "PreferNoSchedule"}]]
            )
        )
        made.append(
            node(
                f"n{number}",
                cpu=draw(st.sampled_from(["0", "1", "2", "4"])),
                memory=draw(st.sampled_from(["1Gi", "4Gi"])),
                pods=draw(st.sampled_from(["1", "3", "110"])),
                labels=labels,
                taints=taints,
                unschedulable=draw(st.booleans() if number else st.just(False)),
            )
        )
    return made


def _rule(app: str, key: str) -> Object:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}


@st.composite
def specs(draw: st.DrawFn, *, plain: bool = False) -> Object:
    spec: Object = {"priority": draw(st.integers(0, 3))}
    if draw(st.booleans()):
        spec["nodeSelector"] = {"zone": draw(st.sampled_from(ZONES))}
    if draw(st.booleans()):
        spec["tolerations"] = [{"key": "k", "operator": "Exists"}]
    if plain:
        return spec
    key = draw(st.sampled_from(["zone", "kubernetes.io/hostname"]))
    kind = draw(st.sampled_from(["", "podAffinity", "podAntiAffinity"]))
    if kind:
        rule = {"requiredDuringSchedulingIgnoredDuringExecution": [_rule(draw(st.sampled_from(APPS)), key)]}
        spec["affinity"] = {kind: rule}
    if draw(st.booleans()):
        when = draw(st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]))
        constraint = {**_rule(draw(st.sampled_from(APPS)), key), "maxSkew": 1, "whenUnsatisfiable": when}
        spec["topologySpreadConstraints"] = [constraint]
    return spec


@st.composite
def pods(draw: st.DrawFn, *, plain: bool = False) -> list[Object]:
    templates = draw(st.lists(specs(plain=plain), min_size=1, max_size=3))
    sizes = st.tuples(st.sampled_from(["", "500m", "1", "2"]), st.sampled_from(["", "512Mi", "2Gi"]))
    chosen = draw(st.lists(st.tuples(st.sampled_from(templates), sizes, st.sampled_from(APPS)), max_size=12))
    return [
        pod(f"p{number}", cpu=cpu, memory=memory, labels={"app": app}, **spec)
        for number, (spec, (cpu, memory), app) in enumerate(chosen)
    ]


def schedule(nodes: list[Object], pods: list[Object], seed: int) -> tuple[Cluster, list[Decision]]:
    made = Cluster(seed)
    for each in nodes:
        made.cache.set_node(each["metadata"]["name"], each)
    decisions = []
    for each in pods:
        info = made.info(each)
        decision = made.cache.rankings.decide(info, made.cache.snapshot())
        assert decision == decide(info, made.cache.snapshot())
        if decision.node:
            assert not Checks.of(info, made.cache.snapshot()).reject(made.cache.nodes[decision.node])
            made.cache.place(info, decision.node, assumed=True)
        decisions.append(decision)
    return made, decisions


@given(nodes(), pods(), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_no_node_is_overcommitted_and_every_placed_pod_passed_its_filters(
    nodes: list[Object], pods: list[Object], seed: int
) -> None:
    made, _ = schedule(nodes, pods, seed)
    for info in made.cache.nodes.values():
        assert len(info.pods) <= info.node.allocatable["pods"]
        for resource, used in info.requested.items():
            assert used <= info.node.allocatable[resource]
            assert used == sum(each.shape.requests.get(resource, 0) for each in info.pods.values())


@given(nodes(), pods(plain=True), st.integers(0, 3), st.data())
@settings(max_examples=150, deadline=None)
def test_a_ranking_that_is_kept_answers_as_one_made_anew(
    nodes: list[Object], pods: list[Object], seed: int, data: st.DataObject
) -> None:
    made, _ = schedule(nodes, pods, seed)
    for each in pods:
        if made.cache.node_of(each["metadata"]["uid"]) and data.draw(st.booleans()):
            made.cache.remove(each["metadata"]["uid"])
    for each in nodes[1:]:
        if data.draw(st.booleans()):
            changed = {**each, "spec": {**each["spec"], "unschedulable": data.draw(st.booleans())}}
            made.cache.set_node(each["metadata"]["name"], changed if data.draw(st.booleans()) else None)
    for each in pods:
        info = made.info(each)
        snapshot = made.cache.snapshot()
        assert made.cache.rankings.decide(info, snapshot) == decide(info, snapshot)


@given(nodes(), pods(), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_the_same_seed_gives_the_same_decisions(nodes: list[Object], pods: list[Object], seed: int) -> None:
    assert schedule(nodes, pods, seed)[1] == schedule(nodes, pods, seed)[1]


@given(nodes(), pods())
@settings(max_examples=50, deadline=None)
def test_the_order_of_nodes_does_not_matter(nodes: list[Object], pods: list[Object]) -> None:
    forwards = [each.node for each in schedule(nodes, pods, 0)[1]]
    assert forwards == [each.node for each in schedule(nodes[::-1], pods, 0)[1]]


@given(nodes(), pods(), specs())
@settings(max_examples=100, deadline=None)
def test_a_pod_fits_once_its_victims_are_gone(nodes: list[Object], pods: list[Object], spec: Object) -> None:
    made, _ = schedule(nodes, pods, 0)
    wanted = made.info(pod("wanted", cpu="1", labels={"app": "web"}, **{**spec, "priority": 9}))
    snapshot = made.cache.snapshot()
    outcome = preempt(wanted, snapshot, decide(wanted, snapshot), [])
    if not outcome.node or decide(wanted, snapshot).node:
        return
    for _, name in outcome.victims:
        assert _placed(made, name).priority < wanted.priority
        made.cache.remove(_placed(made, name).uid)
    now = made.cache.snapshot()
    assert not Checks.of(wanted, now).reject(now.nodes[outcome.node])


def _placed(made: Cluster, name: str) -> PodInfo:
    return next(
        each for info in made.cache.nodes.values() for each in info.pods.values() if each.name == name
    )


@given(nodes(), pods())
@settings(max_examples=50, deadline=None)
def test_a_service_changes_scores_but_not_what_fits(nodes: list[Object], pods: list[Object]) -> None:
    made, _ = schedule(nodes, pods, 0)
    wanted = made.info(pod("wanted", labels={"app": "web"}))
    before = made.cache.rankings.decide(wanted, made.cache.snapshot())
    made.cache.set_service("default", "web", Selector.equal({"app": "web"}))
    after = made.cache.rankings.decide(wanted, made.cache.snapshot())
    assert before.rejected == after.rejected
    assert after == decide(wanted, made.cache.snapshot())
