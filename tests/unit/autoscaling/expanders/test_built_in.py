from __future__ import annotations

import math
import re
from random import Random as Lots

import pytest

from kubelab.autoscaling.choice import Choice, Situation
from kubelab.autoscaling.expanders.counts import LeastNodes, MostPods
from kubelab.autoscaling.expanders.least_waste import LeastWaste
from kubelab.autoscaling.expanders.price import LeastPrice, preferred_cpus
from kubelab.autoscaling.expanders.random import Random
from tests.unit.autoscaling.options import PriceList, option, pods, template

ANY = Situation()
STAB = 0.5 * 0.033174 + 500 / 1024 * 0.004446


def kept(choice: Choice) -> set[str]:
    return {each.node_group for each in choice.kept}


def test_most_pods_keeps_all_that_take_as_many() -> None:
    small = template(4, 16)
    options = [option("a", small, pods(2, 1)), option("b", small, pods(3, 1)), option("c", small, pods(3, 1))]
    choice = MostPods().choose(options, ANY)
    assert kept(choice) == {"b", "c"}
    assert choice.ranked[-1].to_win == "must take more than 3 pods (it takes 2)"


def test_least_nodes_keeps_the_smallest_count() -> None:
    small = template(4, 16)
    choice = LeastNodes().choose([option("a", small, nodes=3), option("b", small, nodes=1)], ANY)
    assert kept(choice) == {"b"}
    assert choice.why == (
        "least-nodes takes b: it needs 1 node. Next is a: it needs 3 nodes. "
        "To win, it must need fewer than 1 node (it needs 3)."
    )


def test_least_waste_counts_capacity_not_allocatable() -> None:
    reserved = template(8, 32, reserved=4)
    options = [option("a", reserved, pods(1, 4, 16)), option("b", template(8, 32), pods(1, 5, 16))]
    choice = LeastWaste().choose(options, ANY)
    assert kept(choice) == {"b"}
    assert [term.value for term in choice.ranked[1].terms] == [0.5, 0.5]


def test_least_waste_buys_the_small_node_of_datadogs_example() -> None:
    choice = LeastWaste().choose(
        [option("large", template(16, 64), pods(1, 6)), option("small", template(8, 32), pods(1, 6))], ANY
    )
    assert kept(choice) == {"small"}


def test_what_least_waste_asks_for_makes_the_option_win_and_less_does_not() -> None:
    large, small = template(16, 64), template(8, 32)
    rival = option("small", small, pods(1, 6, 8))
    loser = LeastWaste().choose([option("large", large, pods(1, 6, 8)), rival], ANY).ranked[1]
    found = re.search(r"more than ([\d.]+) cores of cpu or more than ([\d.]+) GiB of memory", loser.to_win)
    assert found is not None
    cores = float(found.group(1))
    enough = LeastWaste().choose([option("large", large, pods(1, 6 + cores + 0.002, 8)), rival], ANY)
    short = LeastWaste().choose([option("large", large, pods(1, 6 + cores - 0.002, 8)), rival], ANY)
    assert (kept(enough), kept(short)) == ({"large"}, {"small"})


def test_least_waste_keeps_exact_ties() -> None:
    kind = template(8, 32)
    assert kept(LeastWaste().choose([option(n, kind, pods(1, 6, 8)) for n in "ab"], ANY)) == {"a", "b"}


def test_price_is_upstreams_formula() -> None:
    chosen = option("a", template(4, 16, "four"), pods(10, 1, 2), nodes=3)
    choice = LeastPrice(PriceList({"four": 0.2})).choose([chosen], Situation(nodes=100))
    ratio = (0.2 * 3 + STAB) / (10 * 0.033174 + 20 * 0.004446 + STAB)
    size = (16 / 4 - 1) * (1 - math.tanh(2 / 15)) + 1
    assert choice.ranked[0].rank == pytest.approx(ratio * size)


def test_group_to_be_created_counts_double_and_gpu_nodes_a_thousandfold() -> None:
    prices = PriceList({"one": 0.05})
    plain, gpu = template(1, 4, "one"), template(1, 4, "one", gpus=1)
    options = [
        option("new", plain, pods(1, 1), exists=False),
        option("old", plain, pods(1, 1)),
        option("gpu", gpu, pods(1, 1)),
    ]
    ranks = {each.option.node_group: each.rank for each in LeastPrice(prices).choose(options, ANY).ranked}
    assert ranks["new"] == 2 * ranks["old"]
    assert ranks["gpu"] == 1000 * ranks["old"]


@pytest.mark.parametrize(
    ("nodes", "cpus"), [(0, 1), (2, 1), (3, 2), (6, 2), (20, 4), (60, 8), (200, 16), (201, 32)]
)
def test_preferred_node_grows_with_the_cluster(nodes: int, cpus: int) -> None:
    assert preferred_cpus(nodes) == cpus


def test_price_that_would_win_is_exact() -> None:
    options = [
        option("a", template(2, 8, "two"), pods(2, 1), 1),
        option("b", template(4, 16, "four"), pods(2, 1), 1),
    ]
    prices = {"two": 0.1, "four": 0.2}
    loser = LeastPrice(PriceList(prices)).choose(options, ANY).ranked[1]
    found = re.search(r"less than ([\d.]+) USD/h", loser.to_win)
    assert found is not None
    limit = float(found.group(1))
    cheaper = LeastPrice(PriceList({**prices, "four": limit})).choose(options, ANY)
    dearer = LeastPrice(PriceList({**prices, "four": limit * 1.001})).choose(options, ANY)
    assert (kept(cheaper), kept(dearer)) == ({"b"}, {"a"})
    assert "2026-07-20" in loser.to_win


def test_option_without_a_price_loses_but_without_any_price_all_are_kept() -> None:
    options = [
        option("a", template(2, 8, "two"), pods(1, 1)),
        option("b", template(4, 16, "four"), pods(1, 1)),
    ]
    assert kept(LeastPrice(PriceList({"four": 9.0})).choose(options, ANY)) == {"b"}
    choice = LeastPrice(PriceList()).choose(options, ANY)
    assert kept(choice) == {"a", "b"}
    assert choice.why.startswith("price keeps every option: no price is known of two")


def test_random_keeps_one_and_the_same_seed_draws_the_same() -> None:
    options = [option(name, template(2, 8)) for name in "abcdef"]
    drawn = [[kept(Random(lots).choose(options, ANY)) for _ in range(20)] for lots in (Lots(3), Lots(3))]
    assert drawn[0] == drawn[1]
    assert len({name for each in drawn[0] for name in each}) > 1


def test_sentence_about_many_options_stays_short() -> None:
    options = [option(f"group-{at}", template(2, 8, f"type-{at}"), pods(1, 1)) for at in range(500)]
    assert LeastNodes().choose(options, ANY).why == (
        "least-nodes keeps group-0 and group-1 and group-2 and group-3 and group-4 and 495 more, "
        "which are equal: it needs 1 node."
    )
    assert len(LeastPrice(PriceList()).choose(options, ANY).why) < 250
