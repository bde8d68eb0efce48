import os
import stat
from pathlib import Path

import pytest

from kubelab.engine.state import ClusterNameError, Running, StateFolder, StateLockedError, known


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path))
    return tmp_path


def test_a_folder_is_private_to_its_user() -> None:
    folder = StateFolder.of("lab")
    folder.create()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", "Lab", "a_b", "-a", "a/b", "..", "a" * 41])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ClusterNameError, match="lower-case letters"):
        StateFolder.of(name)


def test_a_second_control_plane_is_told_who_runs_the_first() -> None:
    folder = StateFolder.of("lab")
    folder.create()
    held = folder.lock()
    folder.write_running(running(os.getpid()))
    with pytest.raises(StateLockedError, match=rf"process {os.getpid()}.*kubelab down --name lab") as caught:
        folder.lock()
    assert caught.value.pid == folder.holder() == os.getpid()
    assert folder.running() == folder.last()
    os.close(held)
    assert folder.running() is None
    assert folder.last() is not None


def test_a_control_plane_that_starts_is_not_taken_for_the_one_before_it() -> None:
    folder = StateFolder.of("lab")
    folder.create()
    folder.write_running(running(4242))
    held = folder.lock()
    assert (folder.running(), folder.holder()) == (None, os.getpid())
    os.close(held)
    assert folder.holder() is None


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(running(1))


def running(pid: int) -> Running:
    return Running("lab", "https://127.0.0.1:1", "kubeconfig", "secret", pid)


def test_clusters_are_known_by_their_locks(home: Path) -> None:
    for name in ("b", "a"):
        folder = StateFolder.of(name)
        folder.create()
        os.close(folder.lock())
    (home / "stray").mkdir()
    assert [folder.name for folder in known()] == ["a", "b"]
