"""What is readable of a damaged journal comes back, and the damaged file stays."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from kubelab.engine.apiserver.journal import PAGE_BYTES, Journal, Row
from kubelab.engine.apiserver.recovery import is_damaged, recover

COUNT = 400


def row(version: int) -> Row:
    body = orjson.dumps({"metadata": {"name": f"pod-{version}"}, "data": "x" * 300})
    return Row(version, "pods", "default", f"pod-{version}", body)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    journal = Journal(path)
    journal.stage([row(version) for version in range(1, COUNT + 1)], [], COUNT, 0)
    journal.commit()
    journal.close()
    return path


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(b"\xa5" * PAGE_BYTES)


def rows(path: Path) -> list[Row]:
    journal = Journal(path)
    found = list(journal.rows())
    journal.close()
    return found


def test_a_sound_journal_is_not_damaged(path: Path) -> None:
    assert not is_damaged(path)
    assert not is_damaged(path.with_name("absent"))


@pytest.mark.parametrize("page", [8, 12, 17])
def test_what_stands_on_other_pages_comes_back(path: Path, page: int) -> None:
    damage(path, page)
    damaged = path.read_bytes()
    assert is_damaged(path)
    recovery = recover(path)
    assert COUNT * 0.8 < recovery.objects < COUNT
    found = rows(path)
    assert len(found) == recovery.objects
    assert set(found) <= {row(version) for version in range(1, COUNT + 1)}
    assert recovery.kept.read_bytes()[page * PAGE_BYTES :] == damaged[page * PAGE_BYTES :]
    assert not is_damaged(path)


def test_a_lost_first_page_loses_no_object(path: Path) -> None:
    damage(path, 0)
    assert is_damaged(path)
    assert recover(path).objects == COUNT
    assert rows(path) == [row(version) for version in range(1, COUNT + 1)]


def test_versions_go_on_beyond_what_may_have_been_lost(path: Path) -> None:
    damage(path, 8)
    recover(path)
    journal = Journal(path)
    assert journal.last_version() == journal.floor() > COUNT
    journal.close()


def test_nothing_readable_is_an_empty_journal(path: Path) -> None:
    path.write_bytes(b"no journal at all" * 1000)
    assert is_damaged(path)
    assert recover(path).objects == 0
    assert rows(path) == []
