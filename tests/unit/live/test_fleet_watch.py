from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import NODES, PODS
from kubelab.live import FleetUpdate, FleetWatch
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.simulated_day import DEPLOYMENTS, deployment

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_node_group("web", instance_type="m6i.xlarge", min_size=2, provisioning_delay_s=0)
        portal.run(made.client.create(DEPLOYMENTS, deployment("shop", 4)))
        made.run(minutes=1)
        yield made


@pytest.fixture
def updates() -> list[FleetUpdate]:
    return []


@pytest.fixture
def watch(lab: SimulatedCluster, updates: list[FleetUpdate]) -> Iterator[FleetWatch]:
    made = FleetWatch(lab.client, updates.append, now=lambda: lab.now)
    portal.run(made.start())
    yield made
    portal.run(made.stop())


def test_what_exists_is_known_at_once(watch: FleetWatch) -> None:
    found = watch.snapshot()
    assert found is not None
    assert [(group.name, group.size, group.usd_per_hour) for group in found.groups] == [("web", 2, 0.192)]
    assert {pod.node for pod in found.pods} <= {node.name for node in found.nodes}
    assert (found.fleet.nodes, found.fleet.pods, found.fleet.pending) == (2, 4, 0)
    numbers = [row.number for row in (*found.nodes, *found.pods)]
    assert len(set(numbers)) == 6


def test_only_rows_that_differ_are_told(
    lab: SimulatedCluster, watch: FleetWatch, updates: list[FleetUpdate], eventually: Eventually
) -> None:
    eventually(lambda: sum(len(update.rows) for update in updates) == 6)
    before = len(updates)
    portal.run(lab.client.patch(DEPLOYMENTS, "shop", {"spec": {"replicas": 5}}, "default"))
    eventually(lambda: any(row.kind == "pod" for update in updates[before:] for row in update.rows))
    eventually(lambda: updates[-1].fleet.pods == 5)
    told = {row.name for update in updates[before:] for row in update.rows}
    assert len(told) == 1
    assert watch.synced


def test_numbers_of_what_went_are_told_once(
    lab: SimulatedCluster, watch: FleetWatch, updates: list[FleetUpdate], eventually: Eventually
) -> None:
    found = watch.snapshot()
    assert found is not None
    numbers = {pod.name: pod.number for pod in found.pods}
    portal.run(lab.client.patch(DEPLOYMENTS, "shop", {"spec": {"replicas": 1}}, "default"))
    lab.run(minutes=1)
    eventually(lambda: updates and updates[-1].fleet.pods == 1)
    left = {pod["metadata"]["name"] for pod in portal.run(lab.client.list(PODS)).items}
    gone = [number for update in updates for number in update.gone]
    assert sorted(gone) == sorted(number for name, number in numbers.items() if name not in left)


def test_a_snapshot_takes_nothing_from_the_next_update(
    lab: SimulatedCluster, watch: FleetWatch, updates: list[FleetUpdate], eventually: Eventually
) -> None:
    eventually(lambda: sum(len(update.rows) for update in updates) == 6)
    [name] = lab.add_nodes(1)
    eventually(lambda: len(watch.snapshot().nodes) == 3)  # type: ignore[union-attr] # it is synced
    eventually(lambda: any(row.name == name for update in updates for row in update.rows))


def test_money_is_spent_by_nodes_that_are_there_and_that_were(
    lab: SimulatedCluster, watch: FleetWatch, eventually: Eventually
) -> None:
    lab.run(hours=2)
    found = watch.snapshot()
    assert found is not None
    hours = 2 + 1 / 60
    assert found.fleet.spent_usd == pytest.approx(2 * 0.192 * hours, abs=0.002)
    node = found.nodes[0]
    portal.run(lab.client.delete(NODES, node.name))
    eventually(lambda: node.number not in {each.number for each in watch.snapshot().nodes})  # type: ignore[union-attr]
    after = watch.snapshot()
    assert after is not None
    assert after.fleet.spent_usd == pytest.approx(found.fleet.spent_usd, abs=0.002)


def test_nodes_that_were_gone_before_still_count(lab: SimulatedCluster) -> None:
    lab.run(hours=1)
    node = portal.run(lab.client.list(NODES)).items[0]
    portal.run(lab.client.delete(NODES, node["metadata"]["name"]))
    lab.run(hours=1)
    watch = FleetWatch(lab.client, lambda _: None, now=lambda: lab.now)
    portal.run(watch.start())
    found = watch.snapshot()
    portal.run(watch.stop())
    assert found is not None
    hours = 2 * (2 + 1 / 60)  # two nodes, for the group makes another in the deleted one's place
    assert found.fleet.spent_usd == pytest.approx(0.192 * hours, abs=0.01)
    assert found.fleet.since.startswith("2026-01-01T00:00")


def test_a_watch_that_was_stopped_tells_no_more(
    lab: SimulatedCluster, watch: FleetWatch, updates: list[FleetUpdate]
) -> None:
    portal.run(watch.stop())
    count = len(updates)
    lab.add_nodes(1)
    lab.run(minutes=1)
    assert len(updates) == count
