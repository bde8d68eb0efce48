"""The seeded scenarios, and what comes of playing them."""

from __future__ import annotations

import pytest

from kubelab import Cluster, portal, scenarios
from kubelab.client import JOBS, NODE_GROUPS, NODES, PODS
from kubelab.scenarios.failing import SILENT
from kubelab.scenarios.scenario import Action


@pytest.mark.parametrize("name", scenarios.SEEDED)
def test_one_seed_gives_one_scenario_and_another_seed_another(name: str) -> None:
    make = scenarios.SEEDED[name]
    assert make(seed=3) == make(seed=3)
    assert make(seed=3).actions != make(seed=4).actions


@pytest.mark.parametrize("name", scenarios.SEEDED)
def test_actions_are_in_order_and_end_in_time(name: str) -> None:
    made = scenarios.SEEDED[name](seed=1)
    times = [action.at_s for action in made.actions]
    assert times == sorted(times)
    assert times[-1] < made.hours * 3600
    assert made.name == name


def test_playing_makes_the_groups_and_lets_things_happen_in_their_time() -> None:
    with Cluster.simulated() as lab:
        made = scenarios.ml_burst(seed=1)
        lab.play(made)
        groups = {each["metadata"]["name"] for each in portal.run(lab.client.list(NODE_GROUPS)).items}
        assert {"c6i-2xlarge", "r6i-4xlarge"} <= groups
        assert not portal.run(lab.client.list(PODS)).items
        first, second = (action for action in made.actions[1:3])
        lab.run(seconds=first.at_s + 1)
        assert [job["metadata"]["name"] for job in portal.run(lab.client.list(JOBS)).items] == [first.name]
        lab.run(seconds=second.at_s - first.at_s)
        assert len(portal.run(lab.client.list(JOBS)).items) == 2


def test_zone_falls_silent_and_comes_back() -> None:
    made = scenarios.zone_outage(seed=1)
    outage, end = (action for action in made.actions if action.verb == "patch-all")
    zone = outage.selector
    with Cluster.simulated() as lab:
        lab.play(made)
        lab.autoscale("least-nodes", scale_down={"enabled": False})
        lab.run(seconds=outage.at_s + 60)
        told = portal.run(lab.client.list(NODES, label_selector=zone)).items
        assert told
        assert all(node["metadata"]["annotations"][SILENT] == "true" for node in told)
        lab.run(seconds=end.at_s - outage.at_s)
        back = portal.run(lab.client.list(NODES, label_selector=zone)).items
        assert not any(SILENT in node["metadata"]["annotations"] for node in back)


def test_what_the_server_refuses_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    made = scenarios.ml_burst(seed=1)
    wrong = Action(0, "patch", PODS, "nobody", "default", {"metadata": {"labels": {"a": "b"}}})
    with Cluster.simulated() as lab:
        lab.play(scenarios.Scenario("wrong", "", 0, 1, (), (wrong, *made.actions[:1])))
        lab.run(seconds=1)
        assert "nobody" in caplog.text
        assert portal.run(lab.client.read("/api/v1/namespaces/ml"))["metadata"]["name"] == "ml"
