"""The same scenario on many clusters."""

from __future__ import annotations

from multiprocessing import active_children

import pytest

from kubelab.autoscaling.errors import UnknownExpanderError
from kubelab.studies import Study, study
from kubelab.studies.study import StudyError, _together
from kubelab.studies.trial import Case, Outcome, UnknownScenarioError, carry_out


def outcome(scenario: str, seed: int, policy: str, usd: float, pending_s: float = 0) -> Outcome:
    return Outcome(Case(scenario, seed, policy), usd, pods=10, pending_s=pending_s, node_hours=1)


STUDY = Study(
    (
        outcome("day", 0, "score", 11, pending_s=100),
        outcome("day", 0, "random", 15),
        outcome("day", 1, "score", 24),
        outcome("day", 1, "random", 30),
    ),
    {("day", 0): 10.0, ("day", 1): 20.0},
)


def test_summary_adds_clusters_up_and_puts_the_cheapest_policy_first() -> None:
    rows = STUDY.summary().to_dict("records")
    assert [row["policy"] for row in rows] == ["score", "random"]
    assert rows[0] == {
        "scenario": "day",
        "policy": "score",
        "clusters": 2,
        "usd": 35,
        "lower_bound_usd": 30,
        "ratio": pytest.approx(35 / 30),
        "worst_ratio": pytest.approx(1.2),
        "pending_s_per_pod": 5,
    }


def test_ratio_is_the_mean_over_clusters() -> None:
    assert STUDY.ratio("score") == pytest.approx((1.1 + 1.2) / 2)
    assert repr(STUDY) == "<Study of 2 clusters: score 1.150, random 1.500 x the lower bound>"


def test_study_is_the_same_in_one_process_and_in_several() -> None:
    cases = {"clusters": 2, "policies": ["least-waste"], "hours": 0.5, "show_progress": False}
    one, two = (study("ml-burst", processes=count, **cases) for count in (1, 2))  # type: ignore[arg-type]
    assert one == two
    assert [each.case.seed for each in one.outcomes] == [0, 1]
    assert all(each.usd > 0 for each in one.outcomes)


def test_processes_end_when_a_study_is_interrupted() -> None:
    before = set(active_children())
    cases = [Case("ml-burst", seed, "", 0.5) for seed in range(4)]
    running = _together(cases, 2)
    next(running)
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    assert not set(active_children()) - before


def test_pods_that_wait_are_counted() -> None:
    found = carry_out(Case("ml-burst", 0, "least-waste", 1))
    assert found.pods > 0
    assert found.pending_s / found.pods > 10


def test_unknown_scenario_or_policy_is_told_before_anything_runs() -> None:
    with pytest.raises(UnknownScenarioError, match="web-day"):
        study("web-year")
    with pytest.raises(UnknownExpanderError):
        study(policies=["cheapest"])
    with pytest.raises(StudyError):
        study(clusters=0)


def test_settings_of_scale_down_reach_the_autoscaler() -> None:
    patient, quick = (
        carry_out(Case("ml-burst", 0, "least-waste", 1, settings))
        for settings in ((("enabled", False),), (("delay_after_add_s", 0), ("unneeded_s", 60)))
    )
    assert quick.usd < patient.usd
