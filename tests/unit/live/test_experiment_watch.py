"""Chaos experiments as a panel tells them, without a daemon: the test writes what it would tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from kubelab import portal
from kubelab.chaos.experiment import Experiment, Target
from kubelab.client import CHAOS_EXPERIMENTS, Object
from kubelab.live.experiment_watch import ExperimentWatch

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld

Eventually = Callable[[Callable[[], object]], None]
JOB = Target("TrainJob", "train", "default", uid="one")
ANOTHER = Target("TrainJob", "train", "default", uid="two")


@pytest.fixture
def watch(world: JobWorld) -> Iterator[tuple[ExperimentWatch, list[int]]]:
    """What is watched, and how many rows it had at each update."""
    world.serve_experiments()
    seen: list[int] = []
    made = ExperimentWatch(world.client, "default", JOB.uid, lambda: seen.append(len(made.rows())))
    portal.run(made.start())
    yield made, seen
    portal.run(made.stop())


def ask(world: JobWorld, fault: str, about: Target | None = JOB) -> Object:
    experiment = Experiment(
        fault, (Target("Pod", "learn-0", "default"),), "default", hypothesis="the job goes on", about=about
    )
    return world.ask(experiment)


def test_an_experiment_is_followed_from_its_request_to_its_verdict(
    world: JobWorld, watch: tuple[ExperimentWatch, list[int]], eventually: Eventually
) -> None:
    watched, seen = watch
    assert watched.rows() == ()
    made = ask(world, "kill-pod")
    eventually(watched.rows)
    (row,) = watched.rows()
    assert (row.fault, row.hits, row.expects) == ("kill-pod", "pod/learn-0", "the job goes on")
    assert (row.phase, row.verdict, row.evidence) == ("", "", ("hits: pod/learn-0",))
    world.answer(made, phase="Active", did="pod learn-0 was killed")
    eventually(lambda: watched.rows()[0].phase == "Active")
    assert watched.rows()[0].evidence == ("hits: pod/learn-0", "done: pod learn-0 was killed")
    world.answer(made, phase="Ended", verdict="Broken", evidence=["the job failed"])
    eventually(lambda: watched.rows()[0].verdict == "Broken")
    assert watched.rows()[0].evidence == ("the job failed",)
    eventually(lambda: seen and seen[-1] == 1)


def test_what_is_about_another_job_of_that_name_or_about_none_is_not_told(
    world: JobWorld, watch: tuple[ExperimentWatch, list[int]], eventually: Eventually
) -> None:
    watched, _ = watch
    ask(world, "drain", about=ANOTHER)
    ask(world, "api-errors", about=None)
    ask(world, "kill-pod")
    eventually(watched.rows)
    assert [row.fault for row in watched.rows()] == ["kill-pod"]


def test_no_update_comes_after_it_was_stopped(
    world: JobWorld, watch: tuple[ExperimentWatch, list[int]], eventually: Eventually
) -> None:
    watched, seen = watch
    ask(world, "kill-pod")
    eventually(lambda: seen)
    portal.run(watched.stop())
    told = len(seen)
    ask(world, "drain")
    ask(world, "kill-pod")
    assert portal.run(world.client.list(CHAOS_EXPERIMENTS, "default")).items
    assert (len(seen), len(watched.rows())) == (told, 1)
