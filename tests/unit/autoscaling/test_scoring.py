"""Scores from evidence."""

from datetime import UTC, datetime

import pytest

from kubelab.autoscaling.advisor import advise
from kubelab.autoscaling.catalogue.catalogue import shipped
from kubelab.autoscaling.instance_scores import InstanceScores
from kubelab.autoscaling.node_group_set import NODE_GROUP_SET
from kubelab.autoscaling.option import INSTANCE_TYPE
from kubelab.autoscaling.scores import Part
from kubelab.autoscaling.scoring import NOT_MEASURED, Experience, cost_parts, score_objects
from kubelab.client import Object
from tests.unit.autoscaling.advised import candidate, pods

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def objects(**more: object) -> list[Object]:
    given = {"experiences": {}, "measured": {}, "node_group_set": "", "at": NOW, **more}
    advice = advise([pods(14, cpu="1", memory="1Gi")], map(candidate, ("m6i.2xlarge", "c6i.2xlarge")))
    return score_objects(advice, **given)  # type: ignore[arg-type]


def test_cheapest_type_for_the_whole_set_has_a_cost_score_of_100() -> None:
    advice = advise([pods(14, cpu="1", memory="1Gi")], map(candidate, ("m6i.2xlarge", "c6i.2xlarge")))
    scores = {name: part.score for (name, _), part in cost_parts(advice).items()}
    assert scores == {"c6i.2xlarge": 100.0, "m6i.2xlarge": round(100 * 0.34 / 0.384, 2)}


def test_type_that_does_not_hold_the_set_has_a_cost_score_of_0_and_says_why() -> None:
    advice = advise([pods(1, cpu="8", memory="1Gi")], map(candidate, ("m6i.2xlarge", "m6i.4xlarge")))
    part = cost_parts(advice)["m6i.2xlarge", "on-demand"]
    assert part.score == 0
    assert "lacks 0.09 cpu" in part.evidence


@pytest.mark.parametrize(
    ("seen", "score"),
    [
        (Experience(), 95.0),  # one of twenty, before anything is seen
        (Experience(came=20), 97.5),
        (Experience(came=20, interruptions=10), 72.5),
        (Experience(out_of_capacity=20), 47.5),
    ],
)
def test_reliability_is_the_smoothed_share_of_nodes_that_came_and_stayed(
    seen: Experience, score: float
) -> None:
    assert seen.reliability.score == score


def test_experience_is_summed_over_a_types_groups() -> None:
    groups = [
        {"status": {"lastNumber": 3, "interruptions": 1}},
        {"status": {"lastNumber": 2, "outOfCapacityCount": 4}},
        {},
    ]
    assert Experience.of(groups) == Experience(came=5, interruptions=1, out_of_capacity=4)


def test_performance_that_nobody_measured_is_neutral_and_says_so() -> None:
    spec = objects()[0]["spec"]
    assert spec["performance"] == {"score": 100.0, "evidence": NOT_MEASURED}


def test_measured_performance_counts() -> None:
    plain, measured = (
        {each["spec"]["instanceType"]: each["spec"] for each in objects(measured=given)}["m6i.2xlarge"]
        for given in ({}, {("m6i.2xlarge", "on-demand"): Part(50, "a benchmark of May")})
    )
    assert measured["performance"] == {"score": 50.0, "evidence": "a benchmark of May"}
    assert plain["score"] - measured["score"] == pytest.approx(10)


def test_written_score_is_read_back_as_it_was() -> None:
    written = {each["metadata"]["name"]: each for each in objects(node_group_set="web")}
    best = written["web.aws-c6i.2xlarge"]
    assert best["spec"]["nodeGroupSet"] == "web"
    assert best["spec"]["cost"]["priceDate"] == shipped()["c6i.2xlarge"].on_demand.date.isoformat()
    labels = {NODE_GROUP_SET: "web", INSTANCE_TYPE: "c6i.2xlarge"}
    read = InstanceScores([best]).of(labels)
    assert read is not None
    assert read.total == pytest.approx(best["spec"]["score"], abs=0.01)
