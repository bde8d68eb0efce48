from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from kubelab import Cluster, portal
from kubelab.errors import KubelabError
from kubelab.live import Fleet, FleetSnapshot, GroupRow, NodeRow, PodRow
from kubelab.simulated_cluster import SimulatedCluster
from kubelab_widgets import FleetView
from kubelab_widgets.fleet_fallback import fleet_html
from kubelab_widgets.time_controls import TimeControls, controls_of
from tests.unit.simulated_day import DEPLOYMENTS, deployment

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_node_group("web", instance_type="m6i.xlarge", min_size=2, provisioning_delay_s=0)
        made.run(minutes=1)
        yield made


def shown(page: Page) -> dict[int, Any]:
    """The rows that a page would show now."""
    rows: dict[int, Any] = {}
    for update in page.updates:
        rows = {} if update.get("reset") else rows
        rows |= {row["number"]: row for row in update.get("rows", ())}
        for number in update.get("gone", ()):
            rows.pop(number)
    return rows


def names(page: Page) -> list[str]:
    return sorted(row["name"] for row in shown(page).values())


def test_a_page_that_opens_gets_all_nodes_groups_and_prices(
    lab: SimulatedCluster, page: Page, say: Say, eventually: Eventually
) -> None:
    with FleetView(lab) as view:
        initial = page.opened[-1]["state"]["initial"]
        assert initial["fleet"]["usd_per_hour"] == pytest.approx(0.384)
        assert initial["groups"][0]["name"] == "web"
        say(view, type="hello")
        eventually(lambda: names(page) == ["web-1", "web-2"])
    assert repr(view) == "<FleetView of simulated-7>"


def test_only_what_changed_travels(
    lab: SimulatedCluster, page: Page, say: Say, eventually: Eventually
) -> None:
    with FleetView(lab) as view:
        say(view, type="hello")
        eventually(lambda: len(shown(page)) == 2)
        portal.run(lab.client.create(DEPLOYMENTS, deployment("shop", 3)))
        eventually(lambda: len(shown(page)) == 5)
        before = len(page.updates)
        portal.run(lab.client.patch(DEPLOYMENTS, "shop", {"spec": {"replicas": 0}}, "default"))
        lab.run(minutes=1)
        eventually(lambda: names(page) == ["web-1", "web-2"])
        assert not any(
            row["kind"] == "node" for each in page.updates[before:] for row in each.get("rows", ())
        )


def test_time_is_stepped_played_and_paused_from_the_page(
    lab: SimulatedCluster, page: Page, say: Say, eventually: Eventually
) -> None:
    with FleetView(lab) as view:
        start = lab.now
        say(view, type="step", seconds=600)
        eventually(lambda: (lab.now - start).total_seconds() == 600)
        eventually(lambda: page.sections().get("time", {}).get("now") == "2026-01-01T00:11:01Z")
        say(view, type="play", speed=3600)
        eventually(lambda: (lab.now - start).total_seconds() > 1200)
        assert page.sections()["time"]["playing"]
        say(view, type="pause")
        controls = controls_of(lab)
        assert controls is not None
        controls.join()
        stopped = lab.now
        eventually(lambda: not page.sections()["time"]["playing"])
        assert lab.now == stopped
        assert page.sections().get("notice") is None


def test_a_real_cluster_has_no_time_to_control(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    cluster = Cluster("world", world.client, engine="context")
    with FleetView(cluster) as view:
        say(view, type="hello")
        eventually(lambda: "fleet" in page.sections())
        say(view, type="play", speed=60)
        assert "time" not in page.sections()


def test_what_fails_while_time_goes_on_is_shown(page: Page, say: Say, eventually: Eventually) -> None:
    lab = Cluster.simulated(seed=1)
    with FleetView(lab) as view:
        lab.close()
        say(view, type="step", seconds=60)
        eventually(lambda: "was closed" in (page.sections().get("notice") or {}).get("text", ""))


def test_views_of_one_cluster_share_its_time_which_stands_still_when_the_last_is_closed(
    lab: SimulatedCluster, page: Page, say: Say, eventually: Eventually
) -> None:
    first, second = FleetView(lab), FleetView(lab)
    controls = controls_of(lab)
    assert isinstance(controls, TimeControls)
    say(first, type="play", speed=60)
    first.close()
    assert controls.playing
    second.close()
    eventually(lambda: not controls.playing)
    controls.join()


def test_what_is_no_cluster_is_refused(page: Page) -> None:
    with pytest.raises(KubelabError, match=r"no cluster\. Pass one such as Cluster\.connect"):
        FleetView("lab")  # type: ignore[arg-type]


def test_a_report_shows_the_fleet_without_a_kernel(lab: SimulatedCluster, page: Page) -> None:
    portal.run(lab.client.create(DEPLOYMENTS, deployment("shop", 3)))
    with FleetView(lab) as view:
        still = view.fallback()
    assert "2 nodes, 3 pods, 0 pending" in still
    assert "0.38 USD/h" in still
    assert "prices of 2026-07-20" in still
    assert still.count("<g>") == 2


def test_the_still_picture_escapes_names_and_stays_small() -> None:
    nodes = tuple(_node(number) for number in range(1000))
    pods = tuple(_pod(1000 + number, f"<b>{number % 3}", f"n{number % 1000}") for number in range(10_000))
    fleet = Fleet(
        "2026-01-01T00:00:00Z", 1000, 10_000, 0, 1.0, 2.0, "2026-01-01T00:00:00Z", ("2026-07-20",), 0
    )
    group = GroupRow("<i>", "m6i.large", "on-demand", 1000, 1000)
    still = fleet_html("lab", FleetSnapshot(fleet, (group,), nodes, pods))
    assert "<b>0" not in still
    assert "<i>" not in still
    assert len(still) < 700_000


def _node(number: int) -> NodeRow:
    return NodeRow(
        number, f"n{number}", "<i>", "m6i.large", "on-demand", 2000, 2**33, 0, 29, "Ready", 0.1, "2026-07-20"
    )


def _pod(number: int, namespace: str, node: str) -> PodRow:
    return PodRow(number, f"p{number}", namespace, "web", node, 100, 2**28, 0, "Running")
