from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from kubelab import clock, portal
from kubelab.client import TRAIN_JOBS, Client
from kubelab.errors import ConnectionFailedError
from kubelab.live import JobSnapshot, JobUpdate, JobWatch

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld

Eventually = Callable[[Callable[[], object]], None]


class Watched:
    """A watch with everything that it told."""

    def __init__(self, world: JobWorld) -> None:
        self.updates: list[JobUpdate] = []
        self.times_s: list[float] = []
        self.watch = JobWatch(world.client, "TrainJob", "default", world.name, self._on_update)
        portal.run(self.watch.start())

    def _on_update(self, update: JobUpdate) -> None:
        self.updates.append(update)
        self.times_s.append(clock.monotonic())

    @property
    def latest(self) -> JobSnapshot:
        snapshot = self.watch.snapshot()
        assert snapshot is not None
        return snapshot


@pytest.fixture
def watched(world: JobWorld) -> Iterator[Callable[[], Watched]]:
    opened: list[Watched] = []

    def watch() -> Watched:
        opened.append(Watched(world))
        return opened[-1]

    yield watch
    for each in opened:
        portal.run(each.watch.stop())


def test_a_job_is_shown_from_pending_to_succeeded(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=2)
    view = watched()
    assert view.latest.phase == "Pending"
    assert [worker.why for worker in view.latest.workers] == ["no pod yet", "no pod yet"]
    for rank in (0, 1):
        world.run_pod(rank)
    eventually(lambda: view.latest.phase == "Running")
    world.report(0, 50, loss=0.5)
    eventually(lambda: view.latest.step == 50)
    assert (view.latest.total_steps, view.latest.ready) == (100, 2)
    for rank in (0, 1):
        world.end_pod(rank)
    world.end_job("Complete")
    eventually(lambda: view.latest.phase == "Succeeded")
    assert view.latest.problem is None


def test_points_and_lines_come_once(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    view = watched()
    for step in range(1, 21):
        world.report(0, step, loss=1 / step)
    eventually(lambda: view.latest.step == 20)
    eventually(lambda: sum(len(update.points.get(("loss", 0), ())) for update in view.updates) == 20)
    lines = [line for update in view.updates for part in update.logs for line in part.lines]
    assert len(lines) == len(set(lines)) == 20


def test_updates_are_at_least_a_tenth_of_a_second_apart(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    view = watched()
    for step in range(200):
        world.report(0, step, loss=1.0)
    eventually(lambda: view.latest.step == 199)
    apart = [later - earlier for earlier, later in pairwise(view.times_s)]
    assert all(seconds > 0.09 for seconds in apart)


def test_a_late_watcher_of_a_finished_job_has_its_whole_history_at_once(
    world: JobWorld, watched: Callable[[], Watched]
) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    for step in range(10):
        world.report(0, step, loss=1.0 - step / 10)
    world.end_pod(0)
    world.end_job("Complete")
    history = watched().watch.history()
    assert [step for step, _ in history["loss", 0]] == list(range(10))


def test_a_pod_that_does_not_fit_says_why(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.create_pod(0, node="")
    why = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    world.set_status(0, phase="Pending", conditions=[condition])
    view = watched()
    eventually(lambda: view.latest.problem is not None)
    assert view.latest.workers[0].why == why
    assert view.latest.problem is not None
    assert (view.latest.problem.level, "Insufficient cpu" in view.latest.problem.text) == ("info", True)


def test_a_function_that_raised_is_told_with_the_failing_ranks_words(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=2)
    for rank in (0, 1):
        world.run_pod(rank)
    world.report(1, 1, loss=2.0)
    world.write(1, "Traceback (most recent call last):", "KeyError: 'pixel'")
    world.end_pod(1, exit_code=1)
    world.end_pod(0, exit_code=170)
    world.end_job("Failed", "FailedJobs", "jobset failed")
    view = watched()
    eventually(lambda: view.latest.problem is not None and view.latest.problem.detail)
    problem = view.latest.problem
    assert problem is not None
    assert problem.level == "error"
    assert "ank 1 exited with code 1" in problem.text
    assert problem.detail == "Traceback (most recent call last):\nKeyError: 'pixel'"
    assert view.latest.workers[1].why == "exit code 1 (Error)"


def test_events_of_the_job_are_shown_and_others_are_not(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    world.tell("Scheduled", "assigned", about=f"{world.name}-node-0-0-abcde")
    world.tell("Started", "not ours", about="another-job")
    view = watched()
    eventually(lambda: view.latest.events)
    assert [event.message for event in view.latest.events] == ["assigned"]


def test_a_deleted_job_is_said_to_be_deleted(
    world: JobWorld, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    world.create_job(num_nodes=1)
    view = watched()
    assert view.latest.phase == "Pending"
    portal.run(world.client.delete(TRAIN_JOBS, world.name, "default"))
    eventually(lambda: view.latest.phase == "Deleted")


def test_nothing_comes_after_stop(world: JobWorld) -> None:
    world.create_job(num_nodes=1)
    world.run_pod(0)
    view = Watched(world)
    portal.run(view.watch.stop())
    before = len(view.updates)
    world.report(0, 1, loss=1.0)
    world.tell("Started", "late")
    assert len(view.updates) == before


class Breaking(Client):
    """A client whose first stream of a log breaks off after its second line."""

    broke = False

    async def logs(self, *args: Any, **options: Any) -> AsyncGenerator[str, None]:
        count = 0
        async for line in super().logs(*args, **options):
            yield line
            count += 1
            if count == 2 and not self.broke:
                self.broke = True
                raise ConnectionFailedError("https://127.0.0.1:1", "reset")


def test_a_log_is_read_on_where_the_connection_broke(world: JobWorld, eventually: Eventually) -> None:
    world.client = Breaking(world.client.transport)
    world.create_job(num_nodes=1)
    world.run_pod(0)
    world.write(0, "one", "two", "three")
    view = Watched(world)
    eventually(lambda: "three" in view.watch.log.lines(0))
    assert view.watch.log.lines(0) == ("one", "two", "three")
    portal.run(view.watch.stop())
