"""The Numenta Anomaly Benchmark's CPU series, which are not part of the project.

``KUBELAB_NAB`` names a CSV of series, timestamp and cpu_pct, made of numenta/NAB's realAWSCloudwatch and
realKnownCause files (MIT): eleven series of two weeks to two months, a sample each five minutes, in percent.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from kubelab.usage.series import ContainerKey, UsageSeries


def read_nab(path: Path) -> list[UsageSeries]:
    """Return the series, 100 % as one core."""
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open() as lines:
        for row in csv.DictReader(lines):
            at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()
            rows[row["series"]].append((at, float(row["cpu_pct"]) / 100))
    return [
        UsageSeries(ContainerKey("nab", "", name), "cpu", *np.array(points, dtype=np.float64).T)
        for name, points in rows.items()
    ]
