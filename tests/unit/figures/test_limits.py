"""The figure of a cluster's limits."""

from __future__ import annotations

import math

import pandas as pd

from kubelab.figures import limits_figure


def test_each_latency_stands_beside_its_objective() -> None:
    findings = pd.DataFrame(
        {
            "objective": ["pod start", "reading a namespace", "change seen by a watch"],
            "subject": ["", "LIST pods", "3 watches"],
            "p50_s": [1.0, 0.002, 0.001],
            "p99_s": [math.inf, 0.004, 0.003],
            "limit_s": [5.0, 30.0, math.nan],
            "held": ["missed", "kept", "no objective"],
        }
    )
    figure = limits_figure(findings)
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name) == ["p99, missed", "p99, kept", "p99, no objective", "objective"]
    assert list(by_name["p99, kept"].error_x.arrayminus) == [0.002]
    assert list(by_name["objective"].x) == [5.0, 30.0]
    assert list(by_name["p99, missed"].y) == ["pod start (never)"]
