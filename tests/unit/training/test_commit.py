"""The commit of a folder, beside what git itself says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kubelab.training.commit import commit_of


def git(folder: Path, *args: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    made.mkdir()
    git(made, "init", "-q")
    git(made, "commit", "-q", "--allow-empty", "-m", "first")
    return made


def test_a_folder_inside_a_repository_is_at_its_head(repository: Path) -> None:
    inner = repository / "notebooks"
    inner.mkdir()
    assert commit_of(inner) == git(repository, "rev-parse", "HEAD")


def test_a_packed_reference_is_found(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_is_the_commit(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


def test_a_worktree_has_a_head_of_its_own(repository: Path) -> None:
    other = repository.parent / "other"
    git(repository, "worktree", "add", "-q", "-b", "side", str(other))
    git(other, "commit", "-q", "--allow-empty", "-m", "second")
    assert commit_of(other) == git(other, "rev-parse", "HEAD")
    assert commit_of(other) != commit_of(repository)


def test_there_is_none_before_the_first_commit_and_outside(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == ""
    assert commit_of(Path("/")) == ""
