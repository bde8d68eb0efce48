from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import DEPLOYMENTS
from kubelab.errors import KubelabError
from kubelab.live import Answer, Question, RightsizingWatch, ask
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.simulated_day import deployment

Eventually = Callable[[Callable[[], object]], None]
LONG_S = 600.0


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
        portal.run(made.client.create(DEPLOYMENTS, deployment("shop", 2)))
        made.run(minutes=1)
        yield made


@pytest.fixture
def answers() -> list[Answer | Exception]:
    return []


def watching(
    read: Callable[[], Answer], answers: list[Answer | Exception], latest_s: float = LONG_S
) -> RightsizingWatch:
    made = RightsizingWatch(read, answers.append, soonest_s=0, latest_s=latest_s)
    portal.run(made.start())
    return made


def tell(watch: RightsizingWatch) -> None:
    portal.loop().call_soon_threadsafe(watch.tell)


def test_it_reads_when_it_is_told_to(
    lab: SimulatedCluster, answers: list[Answer | Exception], eventually: Eventually
) -> None:
    watch = watching(lambda: ask(lab, Question("peak")), answers)
    tell(watch)
    eventually(lambda: answers)
    portal.run(watch.stop())
    [answer] = answers
    assert isinstance(answer, Answer)
    assert {row.name[2] for row in answer.snapshot.rows} == {"shop"}


def test_it_reads_by_itself_after_a_while(
    lab: SimulatedCluster, answers: list[Answer | Exception], eventually: Eventually
) -> None:
    watch = watching(lambda: ask(lab, Question("peak")), answers, latest_s=0.01)
    eventually(lambda: len(answers) >= 2)
    portal.run(watch.stop())


def test_what_went_wrong_is_told_and_it_goes_on(
    answers: list[Answer | Exception], eventually: Eventually
) -> None:
    def fail() -> Answer:
        raise KubelabError("the source is down")

    watch = watching(fail, answers, latest_s=0.01)
    eventually(lambda: len(answers) >= 2)
    portal.run(watch.stop())
    assert {str(each) for each in answers} == {"the source is down"}


def test_a_stop_waits_for_a_reading_under_way_and_nothing_is_told_after_it(
    lab: SimulatedCluster, answers: list[Answer | Exception]
) -> None:
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Answer:
        began.set()
        may_end.wait(10)
        ended.set()
        return ask(lab, Question("peak"))

    watch = watching(slow, answers)
    tell(watch)
    assert began.wait(10)
    threading.Timer(0.05, may_end.set).start()
    portal.run(watch.stop())
    assert ended.is_set()
    assert answers == []


def test_a_plan_can_be_taken_of_one_group_of_containers(lab: SimulatedCluster) -> None:
    for name in ("queue", "cache"):
        body = deployment(name, 1)
        body["spec"]["template"]["metadata"]["annotations"] = {
            "simulated.kubelab.dev/cpu": "100m",
            "simulated.kubelab.dev/memory": "64Mi",
        }
        portal.run(lab.client.create(DEPLOYMENTS, body))
    lab.run(minutes=2)
    answer = ask(lab, Question("peak"))
    assert {row.name[2] for row in answer.snapshot.changes} >= {"queue", "cache"}
    [change] = answer.plan_of(("default", "Deployment", "queue", "main", "")).changes
    assert change.group.key.controller_name == "queue"
    assert answer.plan_of(("default", "Deployment", "missing", "main", "")).changes == ()
