"""Where kubelab keeps its state."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.errors import KubelabError
from kubelab.home import home


def test_a_home_is_moved_by_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.setenv("KUBELAB_HOME", "")
    assert home().name == "kubelab"


@pytest.mark.parametrize("named", ["labs", "./labs", "~/labs"])
def test_a_home_that_would_be_another_in_every_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("KUBELAB_HOME", named)
    with pytest.raises(KubelabError, match=r"Give an absolute path"):
        home()
