"""Samples in a file of the user's."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubelab.engine.daemon import _history
from kubelab.usage.history import History, HistoryError
from kubelab.usage.samples import Sample
from kubelab.usage.series import ContainerKey, Usage

WEB = ContainerKey("shop", "web-1", "main", "Deployment", "web", "node-a")
AGENT = ContainerKey("platform", "agent-x", "main", "DaemonSet", "agent", "node-a")


def at(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def read(history: History, start: float, end: float, namespace: str | None = None) -> Usage:
    return asyncio.run(history.read(at(start), at(end), namespace=namespace))


def test_what_was_added_is_found_again_by_another_process_that_opens_the_file(tmp_path: Path) -> None:
    path = tmp_path / "private" / "usage.sqlite"
    writer = History(path)
    writer.add([Sample(WEB, second, 0.5, 100 + second) for second in (0, 60, 120)])
    found = read(History(path), 0, 1000)
    assert [(each.container, each.resource) for each in found.series] == [(WEB, "cpu"), (WEB, "memory")]
    assert found.series[1].times.tolist() == [0, 60, 120]
    assert found.series[1].values.tolist() == [100, 160, 220]
    assert found.missing == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_window_and_namespace_limit_what_is_read() -> None:
    history = History()
    history.add([Sample(key, second, 1, 1) for key in (WEB, AGENT) for second in (0, 60, 120)])
    found = read(history, 60, 120, "shop")
    assert {each.container for each in found.series} == {WEB}
    assert found.series[0].times.tolist() == [60]


def test_second_sample_of_a_time_replaces_the_first() -> None:
    history = History()
    history.add([Sample(WEB, 0, 1, 1), Sample(WEB, 0, 2, 2)])
    assert read(history, 0, 1).series[0].values.tolist() == [2]


def test_old_samples_are_forgotten_and_their_containers_too() -> None:
    history = History()
    history.add([Sample(WEB, 0, 1, 1), Sample(AGENT, 100, 1, 1)])
    history.prune(at(50))
    assert {each.container for each in read(history, 0, 1000).series} == {AGENT}
    history.add([Sample(WEB, 110, 1, 1)])
    assert {each.container for each in read(history, 0, 1000).series} == {AGENT, WEB}


def test_nothing_recorded_is_said() -> None:
    assert read(History(), 0, 1000).missing == ("nothing was recorded in this window",)


def test_file_that_is_no_history_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(HistoryError, match="Remove it to begin anew") as raised:
        History(path)
    assert raised.value.path == path


def test_a_lab_puts_a_damaged_history_aside_and_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    path.write_bytes(b"no database" * 200)
    history = _history(path)
    history.add([Sample(WEB, 0, 1, 1)])
    assert len(read(history, 0, 1).series) == 2
    assert (tmp_path / "usage.sqlite.damaged").read_bytes().startswith(b"no database")
