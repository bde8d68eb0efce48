from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from kubelab import clock, portal
from kubelab.client import EXPERIMENTS
from kubelab.live import Axis, SweepSnapshot, SweepUpdate, SweepWatch, TrialRow
from kubelab.sweeps.names import PAUSED_ANNOTATION
from tests.unit.played_sweep import PlayedSweep

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld

Eventually = Callable[[Callable[[], object]], None]


class Watched:
    """A watch with everything that it told."""

    def __init__(self, sweep: PlayedSweep) -> None:
        self.updates: list[SweepUpdate] = []
        self.times_s: list[float] = []
        self.watch = SweepWatch(sweep.handle().reader, self._on_update)
        portal.run(self.watch.start())

    def _on_update(self, update: SweepUpdate) -> None:
        self.updates.append(update)
        self.times_s.append(clock.monotonic())

    @property
    def latest(self) -> SweepSnapshot:
        snapshot = self.watch.snapshot()
        assert snapshot is not None
        return snapshot

    def row(self, number: int) -> TrialRow:
        return self.watch.trials()[number]

    def told(self, number: int) -> list[tuple[int, float]]:
        """What all updates together told of a trial's loss."""
        known: list[tuple[int, float]] = []
        for update in self.updates:
            if ("loss", number) in update.restarted:
                known = []
            known += update.points.get(("loss", number), ())
        return known


@pytest.fixture
def sweep(world: JobWorld) -> PlayedSweep:
    played = PlayedSweep(world.client)
    played.run()
    return played


@pytest.fixture
def watched(sweep: PlayedSweep) -> Iterator[Callable[[], Watched]]:
    opened: list[Watched] = []

    def watch() -> Watched:
        opened.append(Watched(sweep))
        return opened[-1]

    yield watch
    for each in opened:
        portal.run(each.watch.stop())


def test_a_sweep_is_shown_from_running_to_succeeded(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    view = watched()
    assert (view.latest.phase, view.latest.ended, view.latest.best) == ("Running", 0, None)
    assert view.latest.axes == (
        Axis("lr", "log", 0.001, 1.0),
        Axis("kind", "choice", texts=("plain", "<b>bold</b>")),
    )
    sweep.suggest(2)
    sweep.report(0, [3.0, 2.0])
    sweep.report(1, [4.0])
    eventually(lambda: len(view.watch.trials()) == 2 and view.row(1).objective == 4.0)
    assert view.row(0) == TrialRow(0, "Running", 2.0, (1.0, "plain"), 2, "")
    sweep.set_state(0, "Succeeded")
    sweep.set_state(1, "EarlyStopped", "step 1: loss 4 is worse than the median 3 of 1 trial")
    sweep.end()
    eventually(lambda: view.latest.phase == "Succeeded" and view.latest.ended == 2)
    assert view.latest.best == 0
    assert view.row(1).why.startswith("step 1: loss 4")
    assert dict(view.latest.counts) == {"Succeeded": 1, "EarlyStopped": 1}


def test_an_update_brings_only_rows_and_points_that_are_new(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    sweep.suggest(3)
    sweep.report_all([[3.0], [3.0], [3.0]])
    view = watched()
    eventually(lambda: view.told(2) == [(1, 3.0)])
    before = len(view.updates)
    sweep.report(1, [3.0, 2.5])
    eventually(lambda: view.told(1) == [(1, 3.0), (2, 2.5)])
    later = view.updates[before:]
    assert {row.number for update in later for row in update.trials} == {1}
    assert [update.points for update in later if update.points] == [{("loss", 1): ((2, 2.5),)}]
    assert not any(update.restarted for update in later)


def test_a_history_that_starts_again_replaces_that_trials_curve_alone(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    sweep.suggest(2)
    sweep.report_all([[3.0, 2.0, 1.0], [5.0]])
    view = watched()
    eventually(lambda: len(view.told(0)) == 3)
    sweep.report(0, [9.0])
    eventually(lambda: view.told(0) == [(1, 9.0)])
    assert view.watch.history() == {("loss", 0): ((1, 9.0),), ("loss", 1): ((1, 5.0),)}
    assert view.told(1) == [(1, 5.0)]


def test_nan_is_a_point_like_others_and_is_told_once(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    sweep.suggest(1)
    sweep.report(0, [math.nan])
    view = watched()
    eventually(lambda: len(view.told(0)) == 1)
    sweep.report(0, [math.nan, 1.0])
    eventually(lambda: len(view.told(0)) == 2)
    assert math.isnan(view.told(0)[0][1])
    assert not any(update.restarted for update in view.updates)


def test_updates_are_at_least_a_tenth_of_a_second_apart(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    sweep.suggest(1)
    view = watched()
    for count in range(1, 60):
        sweep.report(0, [1.0] * count)
    eventually(lambda: view.row(0).step == 59 and len(view.told(0)) == 59)
    assert all(later - earlier > 0.09 for earlier, later in pairwise(view.times_s))


def test_a_late_watcher_has_everything_at_once(sweep: PlayedSweep, watched: Callable[[], Watched]) -> None:
    sweep.suggest(2)
    sweep.report(0, [3.0, 2.0], accuracy=[0.1, 0.2])
    sweep.end(failed=True, message="too many trials failed")
    view = watched()
    assert view.watch.history()["accuracy", 0] == ((1, 0.1), (2, 0.2))
    assert len(view.watch.trials()) == 2
    assert (view.latest.phase, view.latest.reason) == ("Failed", "too many trials failed")


def test_long_curves_are_thinned_evenly(sweep: PlayedSweep, watched: Callable[[], Watched]) -> None:
    sweep.suggest(1)
    sweep.report(0, [1.0 / step for step in range(1, 1500)])
    steps = [step for step, _ in watched().watch.history()["loss", 0]]
    assert len(steps) <= 256
    assert (steps[0], steps[-1]) == (1, 1499)


def test_importances_follow_once_trials_have_ended(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    sweep.suggest(8)
    sweep.report_all([[float(number % 7)] for number in range(8)])
    view = watched()
    assert view.latest.importances == {}
    for number in range(8):
        sweep.set_state(number, "Succeeded")
    eventually(lambda: set(view.latest.importances) == {"lr", "kind"})
    eventually(lambda: view.updates[-1].snapshot.importances == view.latest.importances)


def test_a_paused_and_a_deleted_sweep_say_so(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    view = watched()
    sweep.handle().pause()
    eventually(lambda: view.latest.phase == "Paused")
    assert (
        PAUSED_ANNOTATION
        in portal.run(sweep.client.get(EXPERIMENTS, "sweep", "default"))["metadata"]["annotations"]
    )
    sweep.handle().delete()
    eventually(lambda: view.latest.phase == "Deleted")


def test_no_update_comes_after_stop(
    sweep: PlayedSweep, watched: Callable[[], Watched], eventually: Eventually
) -> None:
    view, other = watched(), watched()
    portal.run(view.watch.stop())
    before = len(view.updates)
    sweep.suggest(1)
    eventually(lambda: len(other.watch.trials()) == 1)
    assert len(view.updates) == before
