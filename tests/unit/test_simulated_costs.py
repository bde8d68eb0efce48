"""What a simulated cluster costs: metered on virtual time, also when its nodes and pods are gone."""

from __future__ import annotations

import pytest

from kubelab import Cluster, portal
from kubelab.client import JOBS, METER_READINGS, NODES, PODS
from kubelab.costs.cost import Cost
from kubelab.costs.windows import WindowError
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.simulated_day import DEPLOYMENTS, deployment, job

PRICED = {
    "metadata": {
        "annotations": {
            "autoscaling.kubelab.dev/price-usd-per-hour": "0.4",
            "autoscaling.kubelab.dev/price-date": "2026-07-20",
        }
    }
}


def priced(lab: SimulatedCluster, count: int) -> list[str]:
    names = lab.add_nodes(count, {"cpu": 4, "memory": "8Gi"})
    for name in names:
        portal.run(lab.client.patch(NODES, name, PRICED))
    return names


def play(seed: int) -> Cost:
    """Run a day in which work comes and ends and a node goes."""
    with Cluster.simulated(seed) as lab:
        priced(lab, 10)
        portal.run(lab.client.create(DEPLOYMENTS, deployment("web", 20)))
        portal.run(lab.client.create(JOBS, job("batch", 8, 900)))
        lab.run(hours=1)
        portal.run(lab.client.delete(JOBS, "batch", "default", propagation="Background"))
        portal.run(lab.client.delete(NODES, "kwok-node-3"))
        lab.run(hours=23)
        return lab.cost()


def test_what_is_gone_still_counts() -> None:
    found = play(3)
    assert found.hours == pytest.approx(24.0)
    assert found.usd_per_hour == pytest.approx(9 * 0.4)
    assert found.total_usd == pytest.approx(9 * 24 * 0.4 + 0.4)
    jobs = found.by_job().set_index("job")
    assert jobs["pods"]["batch"] == 8
    assert jobs["cpu_core_hours"]["batch"] == pytest.approx(8 * 0.5 * 900 / 3600)
    assert jobs["total_usd"].sum() == pytest.approx(found.total_usd)


def test_the_same_seed_costs_the_same_on_two_runs() -> None:
    one, other = play(5), play(5)
    assert one == other
    assert one.by_namespace().equals(other.by_namespace())


def test_the_cost_says_itself_with_the_date_of_its_prices() -> None:
    with Cluster.simulated() as lab:
        priced(lab, 2)
        lab.run(hours=2)
        assert repr(lab.cost()) == "<Cost 0.80 USD/h, idle 100 %, 2 h 1.60 USD; prices of 2026-07-20>"
        assert (
            repr(lab.cost(hours=0.5)) == "<Cost 0.80 USD/h, idle 100 %, 0.5 h 0.40 USD; prices of 2026-07-20>"
        )


def test_a_node_is_priced_by_its_type_where_it_says_no_price() -> None:
    with Cluster.simulated() as lab:
        lab.add_nodes(1, {"labels": {"node.kubernetes.io/instance-type": "m6i.2xlarge"}})
        lab.run(hours=1)
        assert lab.cost().usd_per_hour == 0.384
        portal.run(lab.client.delete(NODES, "kwok-node-0"))
        lab.run(hours=1)
        assert repr(lab.cost()) == "<Cost 0.00 USD/h, idle 100 %, 2 h 0.38 USD; prices of 2026-07-20>"


def test_a_price_that_changes_holds_from_then_on() -> None:
    with Cluster.simulated() as lab:
        (name,) = priced(lab, 1)
        lab.run(hours=1)
        dearer = {"autoscaling.kubelab.dev/price-usd-per-hour": "1.0"}
        portal.run(lab.client.patch(NODES, name, {"metadata": {"annotations": dearer}}))
        lab.run(hours=1)
        assert lab.cost().total_usd == pytest.approx(1.4)


def test_many_small_readings_become_a_few() -> None:
    with Cluster.simulated() as lab:
        priced(lab, 1)
        for number in range(80):
            body = {
                "spec": {
                    "containers": [{"name": "main", "image": "x"}],
                    "tolerations": [{"operator": "Exists"}],
                }
            }
            portal.run(
                lab.client.create(PODS, {**body, "metadata": {"name": f"p{number}", "namespace": "default"}})
            )
            lab.run(seconds=1)
            portal.run(lab.client.delete(PODS, f"p{number}", "default", grace_period_seconds=0))
        readings = portal.run(lab.client.list(METER_READINGS)).items
        assert len(readings) < 64
        assert sum(each["spec"]["pods"] for each in readings) == 80
        assert lab.cost().by_namespace()["pods"].iloc[0] == 80


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_a_time_that_makes_no_sense_is_refused(hours: float) -> None:
    with Cluster.simulated() as lab, pytest.raises(WindowError, match="cannot be told"):
        lab.cost(hours=hours)


def test_lower_bound_is_found_when_asked_for() -> None:
    with Cluster.simulated(4) as lab:
        priced(lab, 3)
        portal.run(lab.client.create(DEPLOYMENTS, deployment("web", 2)))
        lab.run(hours=2)
        assert lab.cost().lower_bound_usd is None
        found = lab.cost(lower_bound=True)
        assert found.lower_bound_usd == pytest.approx(0.4 * 2, rel=0.02)
        assert found.total_usd == pytest.approx(3 * 0.4 * 2)


def test_what_a_node_declares_of_its_pods_counts_from_then_on() -> None:
    with Cluster.simulated(9) as lab:
        (node,) = priced(lab, 1)
        portal.run(lab.client.create(DEPLOYMENTS, deployment("web", 1)))
        lab.run(hours=1)
        lab.set_usage("web", node, cpu="2", memory="1Gi")
        lab.run(hours=1)
        found = lab.cost().by_namespace().set_index("namespace")["cpu_core_hours"]
    assert found["default"] == pytest.approx(0.5 + 2, rel=0.02)
