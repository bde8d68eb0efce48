"""Tutorial 08 and limits-report on machines that cannot measure all that they show, cell by cell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kubelab import netlab
from kubelab.errors import KubelabError
from kubelab.netlab.errors import NetworkUnavailableError
from kubelab.netlab.maps import MapsStudy
from kubelab.netlab.results import Comparison, Measure
from tests.notebooks.regenerate import ROOT
from tests.unit.netlab.made_up import ENVIRONMENT, measure

PROXY = ROOT / "notebooks/tutorials/08-kube-proxy-limits.ipynb"
REPORT = ROOT / "notebooks/reports/limits-report.ipynb"


def run(cell_id: str, path: Path = PROXY, **names: object) -> dict[str, Any]:
    """Run the cells of parameters and imports and then one; return what it named."""
    sources = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    found: dict[str, Any] = {}
    for each in ("parameters", "imports"):
        exec(sources[each], found)
    found |= names
    exec(sources[cell_id], found)
    return found


def test_where_one_backend_is_missing_the_record_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Measure("iptables-legacy", 5000, 2, skipped="No tool for iptables-legacy is installed.")
    made = Comparison(ENVIRONMENT, (missing, measure("nftables", 5000)))
    monkeypatch.setattr(netlab, "compare", lambda *_, **__: made)
    found = run("compare")
    assert found["result"].is_recorded
    assert "No tool for iptables-legacy is installed." in capsys.readouterr().out
    run("compare-said", result=found["result"])
    assert "At 30,000 Services" in capsys.readouterr().out


def test_without_root_the_recorded_maps_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    study = run("maps")["study"]
    assert study.is_recorded
    assert f"Recorded on {study.machine}" in capsys.readouterr().out


def test_where_nft_cannot_load_the_recorded_maps_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> MapsStudy:
        raise NetworkUnavailableError("nft is not installed.")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("kubelab.netlab.maps.measure", refuse)
    assert run("maps")["study"].is_recorded
    assert "nft is not installed." in capsys.readouterr().out


@pytest.mark.parametrize("recorded", ["rule", "rules;names", "rules,name"])
def test_the_report_refuses_what_it_has_no_record_of(recorded: str) -> None:
    with pytest.raises(KubelabError, match="Write rules, names, or both with a comma"):
        run("parts", REPORT, recorded=recorded)


def test_the_report_shows_a_record_where_it_is_asked_for_or_nothing_can_be_measured() -> None:
    missing = NetworkUnavailableError("nft is not installed.")

    def refuse() -> str:
        raise missing

    here_or_recorded = run("parts", REPORT, recorded="rules, names")["here_or_recorded"]
    assert here_or_recorded("names", lambda: "here", lambda: "record") == ("record", "as asked for.")
    here_or_recorded = run("parts", REPORT, recorded="rules")["here_or_recorded"]
    assert here_or_recorded("rules", lambda: "here", lambda: "record") == ("record", "as asked for.")
    assert here_or_recorded("names", lambda: "here", lambda: "record") == ("here", "")
    assert here_or_recorded("names", refuse, lambda: "record") == ("record", str(missing))
