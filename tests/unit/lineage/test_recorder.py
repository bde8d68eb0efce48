"""The recorder on a real API server, with jobs and logs that the test writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from kubelab import clock, portal
from kubelab.client import TRAIN_JOBS
from kubelab.lineage import Lineage
from kubelab.lineage.store import Store
from kubelab.recorder.recorder import Recorder
from tests.unit.conftest import JobWorld

Eventually = Callable[[Callable[[], object]], None]


@contextmanager
def recording(world: JobWorld, idle_s: float = 0.2) -> Iterator[Future[None]]:
    """A recorder that is killed at the end of the block, wherever it is."""
    assert world.client.folder is not None
    recorder = Recorder(world.client, world.client.folder, clock.RealClock(), idle_s=idle_s)
    running = asyncio.run_coroutine_threadsafe(recorder.run(), portal.loop())
    try:
        yield running
    finally:
        running.cancel()


def kept_of(world: JobWorld) -> Lineage | None:
    assert world.client.folder is not None
    return Store(world.client.folder).read("world/default", world.uid)


def steps_of(world: JobWorld) -> list[int]:
    found = kept_of(world)
    return [point.step for point in found.points if point.name == "loss"] if found else []


def test_a_job_is_recorded_while_it_runs_and_until_it_ends(kept: JobWorld, eventually: Eventually) -> None:
    kept.create_job(num_nodes=1)
    kept.run_pod(0)
    kept.report(0, 1, loss=0.5)
    with recording(kept) as running:
        eventually(lambda: steps_of(kept) == [1])
        kept.report(0, 2, loss=0.25)
        kept.end_pod(0)
        kept.end_job("Complete")
        running.result(timeout=60)
    found = kept_of(kept)
    assert found is not None
    assert (found.status, found.state, steps_of(kept)) == ("FINISHED", "Succeeded", [1, 2])


def test_a_recorder_goes_on_where_a_killed_one_was(kept: JobWorld, eventually: Eventually) -> None:
    kept.create_job(num_nodes=1)
    kept.run_pod(0)
    kept.report(0, 1, loss=0.5)
    with recording(kept):
        eventually(lambda: steps_of(kept) == [1])
    kept.report(0, 2, loss=0.25)
    with recording(kept):
        eventually(lambda: steps_of(kept) == [1, 2])


def test_a_job_that_is_deleted_is_killed_and_keeps_what_it_reported(
    kept: JobWorld, eventually: Eventually
) -> None:
    kept.create_job(num_nodes=1)
    kept.run_pod(0)
    kept.report(0, 1, loss=0.5)
    with recording(kept) as running:
        eventually(lambda: steps_of(kept) == [1])
        portal.run(kept.client.delete(TRAIN_JOBS, kept.name, "default"))
        running.result(timeout=60)
    found = kept_of(kept)
    assert found is not None
    assert (found.status, found.state, steps_of(kept)) == ("KILLED", "Deleted", [1])


def test_what_was_deleted_while_nobody_recorded_is_found_out(kept: JobWorld, eventually: Eventually) -> None:
    kept.create_job(num_nodes=1)
    with recording(kept):
        eventually(lambda: kept_of(kept) is not None)
    portal.run(kept.client.delete(TRAIN_JOBS, kept.name, "default"))
    with recording(kept) as running:
        running.result(timeout=60)
    found = kept_of(kept)
    assert found is not None
    assert found.status == "KILLED"


def test_a_recorder_with_nothing_to_record_ends(kept: JobWorld) -> None:
    with recording(kept) as running:
        running.result(timeout=60)
