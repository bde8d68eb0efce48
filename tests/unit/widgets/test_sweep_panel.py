from __future__ import annotations

import json
import re
import struct
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import ipywidgets
import pytest

from kubelab import portal
from kubelab.client import EXPERIMENTS
from kubelab.errors import KubelabError
from kubelab.live import SweepWatch
from kubelab.sweeps import Sweep
from kubelab.sweeps.names import STOPPED_ANNOTATION
from kubelab.sweeps.view import SweepView
from kubelab.training import TrainJob
from kubelab.tuning import TuningError
from kubelab_widgets import SweepPanel, panel
from tests.unit.played_sweep import PlayedSweep

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]


@pytest.fixture
def sweep(world: JobWorld) -> PlayedSweep:
    played = PlayedSweep(world.client, maxTrialCount=200)
    played.run()
    return played


def rows(page: Page) -> dict[int, dict[str, Any]]:
    """The rows that a page would show now."""
    return {row["number"]: row for update in page.updates for row in update.get("rows", ())}


def points(page: Page, number: int) -> list[tuple[float, float]]:
    """The curve of a trial's loss that a page would show now."""
    known: list[tuple[float, float]] = []
    for update, buffers in zip(page.updates, page.buffers, strict=True):
        known = [] if update.get("reset") else known
        values = struct.iter_unpack("<ff", buffers[0]) if buffers else iter(())
        for series in update.get("series", ()):
            new = [next(values) for _ in range(series["count"])]
            if series["rank"] == number and series["name"] == "loss":
                known = [*([] if series.get("reset") else known), *new]
    return known


def size(page: Page, at: int) -> int:
    """How many bytes a message has."""
    return len(json.dumps(page.updates[at])) + sum(map(len, page.buffers[at]))


def idle(page: Page) -> bool:
    return "busy" in page.sections() and page.sections()["busy"] is None


def spec(sweep: PlayedSweep) -> dict[str, Any]:
    found: dict[str, Any] = portal.run(sweep.client.get(EXPERIMENTS, "sweep", "default"))
    return found


def test_a_page_that_opens_late_gets_everything(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(2)
    sweep.report_all([[3.0, 2.0], [4.0]])
    with SweepPanel(sweep.handle()) as shown:
        assert page.opened[-1]["state"]["initial"]["sweep"]["name"] == "sweep"
        say(shown, type="hello")
        eventually(lambda: points(page, 0) == [(1, 3), (2, 2)])
        assert points(page, 1) == [(1, 4)]
        assert rows(page)[1] == {
            "number": 1,
            "state": "Running",
            "objective": 4.0,
            "values": (pytest.approx(10 ** (-1 / 3)), "<b>bold</b>"),
            "step": 1,
            "why": "",
        }
        assert [axis["name"] for axis in page.sections()["axes"]] == ["lr", "kind"]


def test_a_page_that_asks_again_gets_everything_again(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(2)
    sweep.report_all([[3.0, 2.0], [4.0]])
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="hello")
        eventually(lambda: points(page, 1))
        before = len(page.updates)
        say(shown, type="hello")
        eventually(lambda: len(page.updates) > before)
        whole = page.updates[before]
        assert whole["reset"]
        assert [row["number"] for row in whole["rows"]] == [0, 1]
        assert points(page, 0) == [(1, 3), (2, 2)]


def test_later_messages_carry_only_what_is_new(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(5)
    sweep.report_all([[1.0] * 50] * 5)
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="hello")
        eventually(lambda: len(points(page, 4)) == 50)
        before = len(page.updates)
        sweep.report(3, [1.0] * 50 + [0.5])
        eventually(lambda: len(points(page, 3)) == 51)
        later = page.updates[before:]
        assert [row["number"] for update in later for row in update.get("rows", ())] == [3]
        assert [each for update in later for each in update.get("series", ())] == [
            {"name": "loss", "rank": 3, "count": 1}
        ]
        assert all(size(page, at) < 400 for at in range(before, len(page.updates)))


def test_two_hundred_trials_load_in_less_than_a_quarter_megabyte_and_then_cost_what_changes(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(200)
    curves = [[1.0 / step + number for step in range(1, 101)] for number in range(200)]
    sweep.report_all(curves)
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="hello")
        eventually(lambda: len(points(page, 199)) == 100)
        first = next(at for at, update in enumerate(page.updates) if update.get("reset"))
        assert size(page, first) < 250_000
        before = len(page.updates)
        for number in range(4):
            sweep.report(number, [*curves[number], 0.5])
        eventually(lambda: len(points(page, 3)) == 101)
        assert sum(size(page, at) for at in range(before, len(page.updates))) < 4_000


def test_a_curve_that_starts_again_is_replaced_on_the_page(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(1)
    sweep.report(0, [3.0, 2.0])
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="hello")
        eventually(lambda: len(points(page, 0)) == 2)
        sweep.report(0, [9.0])
        eventually(lambda: points(page, 0) == [(1, 9)])


def test_a_fast_sweep_makes_at_most_ten_messages_a_second(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(1)
    with SweepPanel(sweep.handle()) as shown:
        for count in range(1, 60):
            sweep.report(0, [1.0] * count)
            say(shown, type="hello")
        eventually(lambda: len(points(page, 0)) == 59)
    assert all(later - earlier > 0.09 for earlier, later in pairwise(page.times_s))


def test_infinity_reaches_the_page_as_a_word(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(1)
    sweep.report(0, [float("inf")])
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="hello")
        eventually(lambda: rows(page).get(0, {}).get("objective") == "inf")
        json.dumps(page.updates, allow_nan=False)


def test_pause_resume_stop_and_add_act_on_the_sweep(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="pause")
        eventually(lambda: idle(page) and page.sections()["sweep"]["phase"] == "Paused")
        say(shown, type="resume")
        eventually(lambda: idle(page) and page.sections()["sweep"]["phase"] == "Running")
        say(shown, type="add", count=7)
        eventually(lambda: idle(page) and page.sections()["sweep"]["max_trials"] == 207)
        say(shown, type="stop")
        eventually(lambda: STOPPED_ANNOTATION in spec(sweep)["metadata"].get("annotations", {}))


@pytest.mark.parametrize("count", [0, -1, 2.5, "many", None, True])
def test_a_number_of_trials_that_is_none_is_refused_in_words(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually, count: object
) -> None:
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="add", count=count)
        eventually(lambda: idle(page))
        assert "is no number of trials" in page.sections()["notice"]["text"]
        assert spec(sweep)["spec"]["maxTrialCount"] == 200


def test_promote_runs_the_best_trial_with_the_options_given(
    world: JobWorld, sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    asked: list[dict[str, Any]] = []

    class Promoting(Sweep):
        def promote(self, number: int | None = None, **options: Any) -> TrainJob:
            asked.append(options)
            return world.create_job(num_nodes=1)

    handle = Promoting(sweep.client, "default", sweep.name, sweep.uid)
    with SweepPanel(handle, promote={"args": {"steps": 2000}}) as shown:
        assert shown.job is None
        say(shown, type="promote")
        eventually(lambda: idle(page) and page.sections()["notice"])
        assert asked == [{"args": {"steps": 2000}}]
        assert page.sections()["notice"]["level"] == "info"
        assert world.name in page.sections()["notice"]["text"]
        assert shown.job is not None
        assert shown.job.name == world.name


def test_promote_before_there_is_a_best_trial_says_so(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    with SweepPanel(sweep.handle()) as shown:
        say(shown, type="promote")
        eventually(lambda: idle(page))
        assert "no trial of sweep sweep has ended with a number" in page.sections()["notice"]["text"]


def test_a_deleted_sweep_is_shown_as_deleted(sweep: PlayedSweep, page: Page, eventually: Eventually) -> None:
    with SweepPanel(sweep.handle()):
        sweep.handle().delete()
        eventually(lambda: page.sections().get("sweep", {}).get("phase") == "Deleted")


def test_what_is_no_sweep_is_said_when_the_panel_is_made() -> None:
    wrong: Any = "digits"
    with pytest.raises(KubelabError, match="'digits' is no sweep"):
        SweepPanel(wrong)


def test_a_sweep_that_is_gone_or_cannot_be_understood_has_no_panel(
    sweep: PlayedSweep, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = portal.run(count_tasks())

    def misunderstand(*_: object) -> None:
        raise TuningError("spec.nasConfig asks for an architecture search")

    with monkeypatch.context() as patch:
        patch.setattr(SweepView, "of", misunderstand)
        with pytest.raises(KubelabError, match="architecture search"):
            SweepPanel(sweep.handle())
    handle = sweep.handle()
    handle.delete()
    with pytest.raises(KubelabError, match="sweep sweep was deleted"):
        SweepPanel(handle)
    assert portal.run(count_tasks()) == tasks
    assert panel.open_panels() == []


def test_a_late_answer_of_the_api_server_takes_back_that_there_was_none(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(SweepWatch, "snapshot", lambda _: None)
        shown = SweepPanel(sweep.handle())
    with shown:
        assert "no answer about sweep" in page.opened[-1]["state"]["initial"]["notice"]["text"]
        sweep.suggest(1)
        eventually(lambda: len(rows(page)) == 1)
        assert page.sections()["notice"] is None


def test_closing_leaves_no_model_and_no_task(
    sweep: PlayedSweep, page: Page, say: Say, eventually: Eventually
) -> None:
    sweep.suggest(2)
    threads, tasks = threading.active_count(), portal.run(count_tasks())
    shown = SweepPanel(sweep.handle())
    say(shown, type="hello")
    shown.close()
    shown.close()
    assert ipywidgets.widgets.widget._instances == {}
    assert page.closed == len(page.opened)
    assert threading.active_count() == threads
    eventually(lambda: portal.run(count_tasks()) == tasks)
    assert panel.open_panels() == []


async def count_tasks() -> int:
    import asyncio

    return len(asyncio.all_tasks())


def test_the_repr_is_the_same_in_every_run(sweep: PlayedSweep, page: Page) -> None:
    with SweepPanel(sweep.handle()) as shown:
        assert repr(shown) == "<SweepPanel of sweep>"


def test_a_report_without_widgets_shows_the_best_trials_as_html(sweep: PlayedSweep, page: Page) -> None:
    sweep.suggest(14)
    sweep.report_all([[5.0, 5.0 - number / 10] for number in range(14)])
    for number in range(12):
        sweep.set_state(number, "Succeeded")
    sweep.set_state(12, "EarlyStopped", "<script>alert(1)</script>")
    with SweepPanel(sweep.handle()) as shown:
        data, _ = shown._repr_mimebundle_()
    html = data["text/html"]
    assert data["text/plain"] == repr(shown)
    assert "Running, 13/200 trials (12 succeeded, 1 stopped early, 1 running)" in html
    assert "Best: trial 12, loss 3.8, lr 0.02154, kind plain" in html
    assert html.count("<tr>") == 1 + 10
    assert html.count("<polyline") == 14
    assert "<script>" not in html
    assert "<b>bold" not in html


def test_the_page_needs_no_network() -> None:
    assert "http" not in SweepPanel._esm
    assert not re.search(r"^import|import\(", SweepPanel._esm, re.MULTILINE)
