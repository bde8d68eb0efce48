"""The journal keeps what was committed, one row for each live object."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kubelab.engine.apiserver.journal import Journal, JournalCorruptError, JournalError, Row


def row(version: int, name: str = "web") -> Row:
    return Row(version, "pods", "default", name, b"{}")


def test_committed_rows_are_read_back_by_the_next_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1), row(2, "db")], [], 2, 0)
    journal.commit()
    journal.close()
    again = Journal(tmp_path / "j")
    assert list(again.rows()) == [row(1), row(2, "db")]
    assert again.last_version() == 2
    again.close()


def test_a_change_replaces_the_row_of_the_version_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1, 0)
    journal.commit()
    journal.stage([row(2)], [1], 2, 0)
    journal.commit()
    assert list(journal.rows()) == [row(2)]
    journal.close()


def test_the_version_of_a_deletion_is_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1, 0)
    journal.commit()
    journal.stage([], [1], 2, 0)
    journal.commit()
    journal.close()
    again = Journal(tmp_path / "j")
    assert list(again.rows()) == []
    assert again.last_version() == 2
    again.close()


def test_what_was_staged_but_not_committed_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1, 0)
    journal.rollback()
    journal.close()
    again = Journal(tmp_path / "j")
    assert list(again.rows()) == []
    again.close()


def test_a_second_process_is_told_that_the_journal_is_in_use(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    with pytest.raises(JournalError, match="another API server"):
        Journal(tmp_path / "j")
    journal.close()


def test_the_file_is_private(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600
    journal.close()


def test_a_journal_from_before_history_was_kept_is_taken_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        db.executescript(
            "CREATE TABLE objects (version INTEGER PRIMARY KEY, resource TEXT NOT NULL,"
            "namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL);"
            "CREATE TABLE state (last_version INTEGER NOT NULL);"
            "INSERT INTO state SELECT 7; INSERT INTO objects VALUES (5, 'pods', 'default', 'web', x'7b7d');"
        )
    journal = Journal(tmp_path / "j")
    assert list(journal.rows()) == [row(5)]
    assert (journal.last_version(), journal.floor()) == (7, 7)
    journal.close()


def test_a_row_that_is_not_what_was_written_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1, 0)
    journal.commit()
    journal.close()
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        db.execute("UPDATE objects SET body = x'7b7c'")
        db.commit()
    journal = Journal(tmp_path / "j")
    with pytest.raises(JournalCorruptError, match=r"pods default/web at version 1 .* --recover"):
        list(journal.rows())
    journal.close()


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal(tmp_path / "j")
        journal.stage([row(1)], [], 1, 0)
        journal.commit()
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        journal.close()
    finally:
        os.umask(before)
