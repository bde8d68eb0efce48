"""The journal keeps what was committed, one row for each live object."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.engine.apiserver.journal import Journal, JournalError, Row


def row(version: int, name: str = "web") -> Row:
    return Row(version, "pods", "default", name, b"{}")


def test_committed_rows_are_read_back_by_the_next_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1), row(2, "db")], [], 2)
    journal.commit()
    journal.close()
    again = Journal(tmp_path / "j")
    assert list(again.rows()) == [row(1), row(2, "db")]
    assert again.last_version() == 2
    again.close()


def test_a_change_replaces_the_row_of_the_version_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1)
    journal.commit()
    journal.stage([row(2)], [1], 2)
    journal.commit()
    assert list(journal.rows()) == [row(2)]
    journal.close()


def test_the_version_of_a_deletion_is_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1)
    journal.commit()
    journal.stage([], [1], 2)
    journal.commit()
    journal.close()
    again = Journal(tmp_path / "j")
    assert list(again.rows()) == []
    assert again.last_version() == 2
    again.close()


def test_what_was_staged_but_not_committed_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.stage([row(1)], [], 1)
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
