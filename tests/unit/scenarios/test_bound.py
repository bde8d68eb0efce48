"""What a scenario wants, and what that costs at least."""

import pytest

from kubelab.scenarios import SEEDED, spot_storm, zone_outage
from kubelab.scenarios.bound import daemon_requests, lower_bound, presences
from kubelab.scenarios.groups import groups
from kubelab.scenarios.objects import daemon_set, deployment, job, scale
from kubelab.scenarios.scenario import Action, scenario

HOUR = 3600.0


def test_scaled_workload_is_wanted_in_its_size_until_the_next_change() -> None:
    actions = [deployment(0, "web", "shop", 3, {"cpu": "500m"}), scale(HOUR, "web", "shop", 5)]
    found = [(each.start_s, each.end_s, each.count, each.requests) for each in presences(actions, 2 * HOUR)]
    assert found == [(0, HOUR, 3, {"cpu": 500}), (HOUR, 2 * HOUR, 5, {"cpu": 500})]


def test_deleted_workload_is_wanted_no_more() -> None:
    made = deployment(0, "web", "shop", 3, {"cpu": "1"})
    gone = Action(HOUR, "delete", made.resource, "web", "shop")
    assert [(each.start_s, each.end_s) for each in presences([made, gone], 2 * HOUR)] == [(0, HOUR)]


def test_jobs_pods_are_wanted_for_as_long_as_they_run() -> None:
    [found] = presences([job(60, "sweep", "ml", 4, {"cpu": "2"}, seconds=300)], HOUR)
    assert (found.start_s, found.end_s, found.count, found.name) == (60, 360, 4, "ml/sweep")


def test_daemon_sets_tax_every_node() -> None:
    web = deployment(0, "web", "shop", 15, {"cpu": "500m"})
    agent = daemon_set(0, "agent", "kube-system", {"cpu": "700m"})
    assert daemon_requests([web, agent]) == [{"cpu": 700}]
    group = groups(("m6i.2xlarge",))
    bare, taxed = (
        scenario("web", "", seed=0, hours=1, node_groups=group, actions=actions)
        for actions in ([web], [web, agent])
    )
    assert lower_bound(bare).usd == pytest.approx(0.384)
    assert lower_bound(taxed).usd == pytest.approx(2 * 0.384)


@pytest.mark.parametrize("make", [spot_storm, zone_outage])
def test_bound_of_a_seeded_scenario_is_the_same_twice(make) -> None:  # noqa: ANN001
    assert lower_bound(make(seed=2)) == lower_bound(make(seed=2))


def test_every_seeded_scenario_fits_its_node_groups() -> None:
    for make in SEEDED.values():
        assert lower_bound(make(seed=3), resolution_s=4 * HOUR).stretches
