"""Recommendations from a file, and as a manager reads them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kubelab.rightsizing.advice import advice
from kubelab.rightsizing.recording import rightsize_recording
from kubelab.rightsizing.rightsizing import Rightsizing

MINUTES = 2880


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    times = pd.date_range("2026-03-01", periods=MINUTES, freq="min", tz="UTC")
    frames = [
        pd.DataFrame(
            {
                "time": times,
                "namespace": "shop",
                "pod": pod,
                "container": "app",
                "controller_kind": "Deployment" if pod != "alone" else "",
                "controller_name": "web" if pod != "alone" else "",
                "cpu_cores": np.full(MINUTES, cores),
                "memory_bytes": np.full(MINUTES, 256 * 2**20),
            }
        )
        for pod, cores in (("web-1", 0.2), ("web-2", 0.4), ("alone", 0.1))
    ]
    path = tmp_path / "use.csv"
    pd.concat(frames).to_csv(path, index=False)
    return path


def rows(sized: Rightsizing) -> dict[tuple[str, str], float]:
    frame = sized.frame()
    return {(row.workload, row.resource): row.target for row in frame.itertuples()}


def test_pods_of_a_workload_are_sized_together(recording: Path) -> None:
    found = rightsize_recording(recording, "peak")
    assert rows(found) == pytest.approx(
        {
            ("web", "cpu"): 0.4,
            ("alone", "cpu"): 0.1,
            ("web", "memory"): 1.1 * 256 * 2**20,
            ("alone", "memory"): 1.1 * 256 * 2**20,
        }
    )
    assert set(found.frame()["pods"]) == {1, 2}


def test_only_the_window_before_the_end_counts(recording: Path) -> None:
    found = rightsize_recording(recording, "krr-simple", window=timedelta(minutes=40))
    assert {each.problem.split()[2] for each in found.rows} == {"40", "80"}
    assert all("samples of shop/app and needs 100" in each.problem for each in found.rows)


def test_another_namespace_has_nothing(recording: Path) -> None:
    found = rightsize_recording(recording, namespace="other")
    assert found.rows == ()
    assert found.missing


def test_what_to_do_is_said_in_words(recording: Path) -> None:
    found = advice(rightsize_recording(recording, "peak")).set_index("workload")
    assert "ask for 100m of cpu" in set(found.loc["shop/alone", "what to do"])
    assert set(found["saves_usd_per_month"].isna()) == {True}
