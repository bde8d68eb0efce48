from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import ipywidgets
import pytest

from kubelab import Cluster, portal
from kubelab.errors import KubelabError
from kubelab.training import TrainJob
from kubelab_widgets import JaxJobPanel, panel

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]


def train(lr: float = 1e-3, steps: int = 100, augment: bool = False) -> None:
    """Stand for a notebook's function."""


class RecordingCluster(Cluster):
    """A cluster whose `train` makes the world's job, or raises."""

    def __init__(self, world: JobWorld) -> None:
        self.world = world
        self.asked: list[dict[str, Any]] = []
        self.refusal: Exception | None = None

    def train(self, fn: Callable[..., object], **options: Any) -> TrainJob:
        self.asked.append({"fn": fn, **options})
        if self.refusal:
            raise self.refusal
        return self.world.create_job(num_nodes=options["num_nodes"])


VALUES = {
    "function": "train",
    "num_nodes": "2",
    "cpu": "500m",
    "memory": "1Gi",
    "checkpoint_every": "50",
    "args": {"lr": "0.01", "steps": "300", "augment": True},
}


def idle(shown: Page) -> bool:
    return "busy" in shown.sections() and shown.sections()["busy"] is None


def test_a_page_that_opens_late_gets_the_whole_history(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    for step in range(5):
        world.report(0, step, loss=1.0)
    with JaxJobPanel(world.handle()) as shown:
        assert page.opened[-1]["state"]["initial"]["job"]["name"] == world.name
        eventually(lambda: shown._watch is not None and len(shown._watch.history()) == 1)
        say(shown, type="hello")
        eventually(lambda: any(update.get("reset") and update.get("series") for update in page.updates))
        whole = [update for update in page.updates if update.get("reset")][-1]
        assert whole["series"] == [{"name": "loss", "rank": 0, "count": 5}]
        assert whole["sections"]["workers"][0]["state"] == "Running"
        assert len(page.log()) == 5


def test_later_messages_carry_only_what_is_new(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    world.tell("Scheduled", "assigned", about=f"{world.name}-node-0-0-abcde")
    for step in range(50):
        world.report(0, step, loss=1.0)
    with JaxJobPanel(world.handle()) as shown:
        say(shown, type="hello")
        eventually(lambda: page.sections().get("job", {}).get("step") == 49)
        world.report(0, 50, loss=0.5)
        eventually(lambda: page.sections().get("job", {}).get("step") == 50)
        latest = page.updates[-1]
        assert set(latest["sections"]) == {"job"}
        assert latest["series"] == [{"name": "loss", "rank": 0, "count": 1}]
        assert len(json.dumps(latest)) + sum(map(len, page.buffers[-1])) < 600


def test_a_fast_job_makes_at_most_ten_messages_a_second(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    with JaxJobPanel(world.handle()) as shown:
        for step in range(300):
            world.report(0, step, loss=1.0)
            say(shown, type="hello")
        eventually(lambda: page.sections().get("job", {}).get("step") == 299)
    assert all(later - earlier > 0.09 for earlier, later in pairwise(page.times_s))


def test_choosing_a_rank_shows_its_log(world: JobWorld, page: Page, say: Say, eventually: Eventually) -> None:
    world.create_job(num_nodes=2)
    for rank in (0, 1):
        world.run_pod(rank)
        world.write(rank, f"hello from {rank}")
    with JaxJobPanel(world.handle()) as shown:
        eventually(lambda: page.log() == ["hello from 0"])
        say(shown, type="rank", rank=1)
        eventually(lambda: page.log() == ["hello from 1"])
        world.write(0, "not shown")
        world.write(1, "again")
        eventually(lambda: page.log() == ["hello from 1", "again"])


def test_launch_trains_with_what_was_entered_and_shows_the_job(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    cluster = RecordingCluster(world)
    with JaxJobPanel(cluster, train, num_nodes=2) as shown:
        assert shown.job is None
        say(shown, type="launch", values=VALUES)
        eventually(lambda: page.sections().get("job"))
        assert cluster.asked == [
            {
                "fn": train,
                "num_nodes": 2,
                "resources": {"cpu": "500m", "memory": "1Gi"},
                "checkpoint_every": 50,
                "args": {"lr": 0.01, "steps": 300, "augment": True},
            }
        ]
        assert shown.job is not None
        assert page.sections()["job"]["name"] == world.name


def test_a_cell_that_asks_for_the_job_waits_for_a_launch_under_way(
    world: JobWorld, page: Page, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, go = RecordingCluster(world), threading.Event()
    train_now = cluster.train
    monkeypatch.setattr(cluster, "train", lambda fn, **options: go.wait(10) and train_now(fn, **options))
    with JaxJobPanel(cluster, train, num_nodes=2) as shown, ThreadPoolExecutor(1) as cell:
        say(shown, type="launch", values=VALUES)
        asked = cell.submit(lambda: shown.job)
        assert not asked.done()
        go.set()
        job = asked.result(timeout=10)
        assert job is not None
        assert job.name == world.name


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("num_nodes", "0", "at least 1"),
        ("num_nodes", "two", "not a whole number"),
        ("cpu", "lots", "not a quantity"),
        ("memory", "-1Gi", "too little"),
        ("checkpoint_every", "x", "not a whole number"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_launched(
    world: JobWorld, page: Page, say: Say, eventually: Eventually, field: str, value: str, words: str
) -> None:
    cluster = RecordingCluster(world)
    with JaxJobPanel(cluster, train) as shown:
        say(shown, type="launch", values={**VALUES, field: value})
        eventually(lambda: idle(page))
        assert page.sections()["notice"]["field"] == field
        assert words in page.sections()["notice"]["text"]
        assert cluster.asked == []


def test_what_a_panel_cannot_show_is_said_when_it_is_made(world: JobWorld) -> None:
    cluster: Any = RecordingCluster(world)
    for wrong, said in (
        (lambda: JaxJobPanel(5), "5 has no panel"),
        (lambda: JaxJobPanel(cluster, "train"), "'train' is not a function"),
        (lambda: JaxJobPanel(cluster, train, nodes=2), "'nodes' is no option of a job"),
    ):
        with pytest.raises(KubelabError, match=said):
            wrong()


def test_a_wrong_hyperparameter_is_named(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    with JaxJobPanel(RecordingCluster(world), train) as shown:
        say(shown, type="launch", values={**VALUES, "args": {"lr": "fast"}})
        eventually(lambda: idle(page))
        assert page.sections()["notice"] == {"text": "'fast' is not a number.", "field": "lr"}


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            KubelabError("'lock' cannot be sent to another process"),
            "'lock' cannot be sent to another process",
        ),
        (RuntimeError("unforeseen"), "RuntimeError: unforeseen"),
    ],
)
def test_what_goes_wrong_in_a_launch_is_shown_and_the_panel_lives_on(
    world: JobWorld, page: Page, say: Say, eventually: Eventually, refusal: Exception, words: str
) -> None:
    cluster = RecordingCluster(world)
    cluster.refusal = refusal
    with JaxJobPanel(cluster, train) as shown:
        say(shown, type="launch", values=VALUES)
        eventually(lambda: idle(page))
        assert page.sections()["notice"] == {"text": words}
        cluster.refusal = None
        say(shown, type="launch", values=VALUES)
        eventually(lambda: page.sections().get("job"))


def test_suspend_resume_and_stop_act_on_the_job(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    job = world.create_job(num_nodes=1)
    with JaxJobPanel(world.handle()) as shown:
        say(shown, type="suspend")
        eventually(lambda: job.view().job["spec"].get("suspend") is True)
        eventually(lambda: idle(page) and page.sections().get("job", {}).get("phase") == "Suspended")
        say(shown, type="resume")
        eventually(lambda: idle(page) and page.sections().get("job", {}).get("phase") == "Pending")
        say(shown, type="stop")
        eventually(lambda: page.sections().get("job", {}).get("phase") == "Deleted")


def test_closing_leaves_no_model_no_thread_and_no_task(
    world: JobWorld, page: Page, say: Say, eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    threads, tasks = threading.active_count(), portal.run(count_tasks())
    shown = JaxJobPanel(world.handle())
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


def test_running_a_cell_again_replaces_its_panel_and_leaves_others(
    world: JobWorld, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create_job(num_nodes=1)

    def made_in(cell: str, count: int) -> JaxJobPanel:
        monkeypatch.setattr(panel, "running_cell", lambda: (cell, count))
        return JaxJobPanel(world.handle())

    other = made_in("b", 1)
    first, beside = made_in("a", 2), made_in("a", 2)
    again = made_in("a", 3)
    assert set(panel.open_panels()) == {other, again}
    assert first.comm is None
    assert beside.comm is None
    for each in (other, again):
        each.close()


def test_the_repr_is_the_same_in_every_run(world: JobWorld, page: Page) -> None:
    world.create_job(num_nodes=1)
    with JaxJobPanel(world.handle()) as shown:
        assert repr(shown) == "<JaxJobPanel of train-7f3a>"
    with JaxJobPanel(RecordingCluster(world), train) as shown:
        assert repr(shown) == "<JaxJobPanel to launch train>"


def test_a_report_without_widgets_shows_the_job_as_html(world: JobWorld, page: Page) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    for step in range(10):
        world.report(0, step, loss=1.0 - step / 10)
    world.write(0, "<script>alert(1)</script>")
    world.end_pod(0, exit_code=1)
    world.end_job("Failed", "FailedJobs", "<b>jobset failed</b>")
    with JaxJobPanel(world.handle()) as shown:
        data, _ = shown._repr_mimebundle_()
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
        assert data["text/plain"] == repr(shown)
        assert "Failed, 0/1 workers, step 9/100" in data["text/html"]
        assert "<polyline" in data["text/html"]
        assert "<script>" not in data["text/html"]
        assert "<b>jobset" not in data["text/html"]


def test_the_page_needs_no_network() -> None:
    assert "http" not in JaxJobPanel._esm
    assert not re.search(r"^import|import\(", JaxJobPanel._esm, re.MULTILINE)
    assert "url(" not in JaxJobPanel._css
