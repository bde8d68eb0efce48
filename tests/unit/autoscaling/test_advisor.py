"""Which type a set of pods should run on."""

import pytest

from kubelab.autoscaling.advisor import advise
from tests.unit.autoscaling.advised import candidate, pods
from tests.unit.scheduling.objects import pod


def test_pods_that_fill_memory_first_are_sent_to_a_smaller_type_with_more_of_it() -> None:
    # Datadog's example: m6a.8xlarge with 62 % of CPU requested, r6a.4xlarge with 95 %.
    best, other = advise(
        [pods(48, cpu="2500m", memory="14Gi")], map(candidate, ("m6a.8xlarge", "r6a.4xlarge"))
    )
    assert (best.name, best.nodes) == ("r6a.4xlarge", 8)
    assert (other.name, other.nodes) == ("m6a.8xlarge", 6)
    assert best.utilisation["cpu"] == pytest.approx(0.944, abs=0.001)
    assert other.utilisation["cpu"] == pytest.approx(0.628, abs=0.001)
    assert best.usd_per_hour < other.usd_per_hour


def test_advice_says_nodes_price_date_and_utilisation() -> None:
    [advice] = advise([pods(8, cpu="2500m", memory="14Gi")], [candidate("m6a.8xlarge")])
    assert advice.why == (
        "1 x m6a.8xlarge at 1.3824 USD/h (2026-07-20) hold 8 of 8 pods for 1.382 USD/h: "
        "cpu 63%, memory 97%, pods 3%"
    )


def test_type_that_cannot_hold_all_comes_last_and_says_what_is_lacking() -> None:
    groups = [pods(2, cpu="1", memory="1Gi"), pods(1, cpu="12", memory="1Gi")]
    best, other = advise(groups, map(candidate, ("m6i.2xlarge", "m6i.4xlarge")))
    assert (best.name, best.fits) == ("m6i.4xlarge", True)
    assert (other.name, other.left_out) == ("m6i.2xlarge", 1)
    assert "lacks 4.09 cpu" in other.why


def test_daemon_sets_count_on_every_node() -> None:
    agent = pod("agent", cpu="1500m", memory="1Gi")
    [bare] = advise([pods(28, cpu="1", memory="1Gi")], [candidate("m6i.2xlarge")])
    [taxed] = advise([pods(28, cpu="1", memory="1Gi")], [candidate("m6i.2xlarge", agent)])
    assert (bare.nodes, taxed.nodes) == (4, 5)


def test_no_pods_need_no_nodes() -> None:
    [advice] = advise([], [candidate("m6i.2xlarge")])
    assert (advice.nodes, advice.usd_per_hour, advice.fits) == (0, 0.0, True)


def test_asking_for_the_best_gives_the_same_as_repacking_onto_all() -> None:
    groups = [pods(7, cpu="1500m", memory="3Gi"), pods(3, cpu="3", memory="20Gi")]
    types = ("m6i.2xlarge", "m6i.4xlarge", "r6i.2xlarge", "c6i.8xlarge", "t3.small", "m6a.8xlarge")
    every = advise(groups, map(candidate, types))
    assert [each.name for each in advise(groups, map(candidate, types), best=2)] == [
        each.name for each in every[:2]
    ]
