from __future__ import annotations

import re

from kubelab.autoscaling.choice import Choice, Situation
from kubelab.autoscaling.expanders.score import BestScore
from kubelab.autoscaling.option import Option
from tests.unit.autoscaling.options import PriceList, ScoreList, option, pods, score, template

PRICES = {"eight": 0.4, "sixteen": 0.8}
SIX_CORES = [
    option("small", template(8, 32, "eight"), pods(1, 6)),
    option("large", template(16, 64, "sixteen"), pods(1, 6)),
]


def choose(options: list[Option], prices: dict[str, float], scores: ScoreList) -> Choice:
    return BestScore(scores, PriceList(prices)).choose(options, Situation())


def winner(*args: object) -> str:
    return choose(*args).kept[0].node_group  # type: ignore[arg-type]


def test_without_scores_the_whole_option_is_charged_to_its_pods() -> None:
    assert winner(SIX_CORES, PRICES, ScoreList()) == "small"
    four_small = [
        option("small", template(8, 32, "eight"), pods(4, 6), 4),
        option("large", template(16, 64, "sixteen"), pods(4, 6), 2),
    ]
    assert choose(four_small, PRICES, ScoreList()).kept == tuple(four_small)


def test_scores_of_the_whole_set_make_datadogs_example_buy_the_large_node() -> None:
    """A pod of 9 cores is to come: the set does not fit the small type."""
    assert winner(SIX_CORES, PRICES, ScoreList({"eight": score(0), "sixteen": score(100)})) == "large"


def test_faster_type_wins_although_it_is_dearer() -> None:
    kinds = [option(name, template(8, 32, name), pods(1, 6)) for name in ("slow", "fast")]
    scores = ScoreList({"slow": score(100, performance=70), "fast": score(100, performance=100)})
    assert winner(kinds, {"slow": 1.0, "fast": 1.2}, scores) == "fast"


def test_type_that_is_often_taken_back_loses_its_advantage() -> None:
    kinds = [option(name, template(8, 32, name), pods(1, 6)) for name in ("spot", "steady")]
    prices = {"spot": 0.5, "steady": 1.0}
    assert winner(kinds, prices, ScoreList()) == "spot"
    assert (
        winner(kinds, prices, ScoreList({"spot": score(100, reliability=40), "steady": score(100)}))
        == "steady"
    )


def test_price_and_cost_score_that_would_win_are_exact() -> None:
    scores = ScoreList({"eight": score(40), "sixteen": score(30)})
    loser = choose(SIX_CORES, PRICES, scores).ranked[1]
    found = re.search(r"less than ([\d.]+) USD/h .* cost score above ([\d.]+)", loser.to_win)
    assert found is not None
    limit, needed = float(found.group(1)), float(found.group(2))
    assert winner(SIX_CORES, {**PRICES, "sixteen": limit}, scores) == "large"
    assert winner(SIX_CORES, {**PRICES, "sixteen": limit * 1.001}, scores) == "small"
    better, worse = (ScoreList({**scores.by_type, "sixteen": score(needed + d)}) for d in (0.01, -0.05))
    assert (winner(SIX_CORES, PRICES, better), winner(SIX_CORES, PRICES, worse)) == ("large", "small")


def test_without_prices_the_highest_score_wins_and_without_scores_all_are_kept() -> None:
    assert winner(SIX_CORES, {}, ScoreList({"eight": score(20), "sixteen": score(90)})) == "large"
    assert choose(SIX_CORES, {}, ScoreList()).kept == tuple(SIX_CORES)


def test_every_term_of_a_price_has_its_date() -> None:
    ranked = choose(SIX_CORES, PRICES, ScoreList()).ranked
    assert all(each.terms[0].evidence.startswith("price of 2026-07-20") for each in ranked)
