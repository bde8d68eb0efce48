from pathlib import Path

import pytest

from kubelab.reports import library
from kubelab.reports.library import ReportNotFoundError, notebook_folder, open_folder, report_path


def test_in_a_checkout_the_notebooks_are_the_checkouts_own() -> None:
    assert open_folder() == notebook_folder()
    assert (notebook_folder() / "tutorials").is_dir()


def test_notebooks_are_copied_and_a_users_own_are_kept(tmp_path: Path) -> None:
    first = open_folder(tmp_path / "mine")
    tutorial = next((first / "tutorials").glob("01-*.ipynb"))
    tutorial.write_text("changed")
    assert open_folder(tmp_path / "mine") == first
    assert tutorial.read_text() == "changed"


def test_an_installed_package_copies_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = tmp_path / "package" / "notebooks" / "tutorials"
    carried.mkdir(parents=True)
    (carried / "01-x.ipynb").write_text("{}")
    monkeypatch.setattr(library, "_PACKAGE", tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    assert open_folder() == tmp_path / "kubelab-notebooks"
    assert (tmp_path / "kubelab-notebooks/tutorials/01-x.ipynb").exists()


def test_an_unknown_report_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ReportNotFoundError, match=r"There are: autoscaler-report, .*job-report, .*sweep-report"
    ):
        report_path("job-raport")
