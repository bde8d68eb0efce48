"""Tutorial 08 on machines that cannot measure all that it shows."""

from __future__ import annotations

import os
from typing import Any

import nbformat
import pytest

from kubelab import netlab
from kubelab.netlab.errors import NetworkUnavailableError
from kubelab.netlab.maps import MapsStudy
from kubelab.netlab.results import Comparison, Measure
from tests.notebooks.regenerate import ROOT
from tests.unit.netlab.made_up import ENVIRONMENT, measure

PROXY = ROOT / "notebooks/tutorials/08-kube-proxy-limits.ipynb"


def run(cell_id: str, **names: object) -> dict[str, Any]:
    """Run the cells of parameters and imports and then one; return what it named."""
    sources = {cell.id: cell.source for cell in nbformat.read(PROXY, as_version=4).cells}
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
    run("compare-check", result=found["result"])
    assert "False" not in capsys.readouterr().out


def test_without_root_the_recorded_maps_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    study = run("maps")["study"]
    assert study.is_recorded
    assert f"Recorded on {study.machine}" in capsys.readouterr().out
    run("maps-check", study=study)
    assert "False" not in capsys.readouterr().out


def test_where_nft_cannot_load_the_recorded_maps_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> MapsStudy:
        raise NetworkUnavailableError("nft is not installed.")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("kubelab.netlab.maps.measure", refuse)
    assert run("maps")["study"].is_recorded
    assert "nft is not installed." in capsys.readouterr().out
