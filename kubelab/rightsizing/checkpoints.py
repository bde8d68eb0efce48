"""What a VerticalPodAutoscalerCheckpoint keeps of a container, so that a recommender may start again from it.

Upstream: ``pkg/recommender/checkpoint/checkpoint_writer.go``, ``util/histogram.go`` and
``model/aggregate_container_state.go`` of Vertical Pod Autoscaler 1.7.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime

import numpy as np

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.errors import KubelabError
from kubelab.rightsizing.aggregation import MEMORY_WEIGHT, Aggregation
from kubelab.rightsizing.decay import DecayingHistograms

VERSION = "v3"
LARGEST = 10_000
"""Weights are kept as whole numbers, of which the largest is this."""


class CheckpointError(KubelabError, ValueError):
    """A checkpoint cannot be loaded.

    Attributes
    ----------
    problem : str
        What is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the checkpoint {problem}. Delete it, and the recommender starts without it.")


def checkpoint_status(aggregation: Aggregation, groups: Sequence[Hashable], now: datetime) -> Object:
    """Return the status of a checkpoint of groups together.

    Memory peaks of windows that are still open at ``now`` are left out: they would count twice after the
    checkpoint was loaded.
    """
    rows = aggregation.groups.rows(groups)
    memory = aggregation.memory.merged([rows.tolist()])
    _without_open_peaks(memory, aggregation, rows, now.timestamp())
    seen, some = aggregation.seen(), len(rows) > 0
    return {
        "lastUpdateTime": rfc3339(now),
        "version": VERSION,
        "cpuHistogram": _saved(aggregation.cpu.merged([rows.tolist()])),
        "memoryHistogram": _saved(memory),
        "firstSampleStart": _written(float(seen.first[rows].min()) if some else np.inf),
        "lastSampleStart": _written(float(seen.last[rows].max()) if some else -np.inf),
        "totalSamplesCount": int(seen.count[rows].sum()),
    }


def load_checkpoint(aggregation: Aggregation, group: Hashable, status: Object) -> None:
    """Load a checkpoint's status into a group, which must be new.

    Raises
    ------
    CheckpointError
        If it is of another version, or its histograms make no sense.
    """
    if status.get("version") != VERSION:
        raise CheckpointError(f"is of version {status.get('version')!r}, not {VERSION}")
    if group in aggregation.groups:
        raise CheckpointError(f"is to be loaded into {group!r}, which has samples already")
    kept = [_read(status.get(name) or {}) for name in ("cpuHistogram", "memoryHistogram")]
    row = aggregation.group(group)
    for histograms, (weights, total, reference) in zip(
        (aggregation.cpu, aggregation.memory), kept, strict=True
    ):
        histograms.weights[row, list(weights)] = list(weights.values())
        histograms.totals[row], histograms.references[row] = total, reference
    columns = aggregation.groups
    columns["first"][row] = _moment(status.get("firstSampleStart"), np.inf)
    columns["last"][row] = _moment(status.get("lastSampleStart"), -np.inf)
    columns["count"][row] = int(status.get("totalSamplesCount") or 0)


def _without_open_peaks(
    memory: DecayingHistograms, aggregation: Aggregation, rows: np.ndarray, now: float
) -> None:
    state = aggregation.containers
    peaks = np.maximum(state["peak"], state["oom_peak"])
    is_open = np.isin(state["group"], rows) & (now < state["window_end"]) & (peaks > 0)
    ends = state["window_end"][is_open]
    memory.subtract(np.zeros(len(ends), dtype=np.intp), peaks[is_open], ends, MEMORY_WEIGHT)


def _saved(histograms: DecayingHistograms) -> Object:
    weights, highest = histograms.weights[0], float(histograms.weights[0].max())
    scaled = np.floor(weights * (LARGEST / highest) + 0.5) if highest > 0 else weights
    return {
        "referenceTimestamp": _written(float(histograms.references[0])),
        "bucketWeights": {str(bucket): int(scaled[bucket]) for bucket in np.flatnonzero(scaled)},
        "totalWeight": float(histograms.totals[0]),
    }


def _read(kept: Object) -> tuple[dict[int, float], float, float]:
    weights = {int(bucket): int(weight) for bucket, weight in (kept.get("bucketWeights") or {}).items()}
    total = float(kept.get("totalWeight") or 0.0)
    if total < 0 or any(weight < 0 for weight in weights.values()):
        raise CheckpointError("has a negative weight")
    if any(not 0 <= bucket < 176 for bucket in weights):
        raise CheckpointError(f"has a weight for bucket {max(weights, key=abs)}, and there are 176 from 0 on")
    ratio = total / (sum(weights.values()) or 1)
    found = {bucket: weight * ratio for bucket, weight in weights.items()}
    return found, total if found else 0.0, _moment(kept.get("referenceTimestamp"), -np.inf)


def _written(seconds: float) -> str | None:
    return rfc3339(datetime.fromtimestamp(seconds, UTC)) if np.isfinite(seconds) else None


def _moment(text: str | None, otherwise: float) -> float:
    return parse_rfc3339(text).timestamp() if text else otherwise
