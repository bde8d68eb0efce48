"""Puts what a source says pods used into a ledger: the mean of the larger of request and use, by the hour.

OpenCost's rule, by samples: ``avg(max(request, use))``. Time that no sample tells of stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kubelab.costs.intervals import PodInterval
from kubelab.costs.ledger import Ledger
from kubelab.costs.rates import Resources
from kubelab.usage.series import Usage, UsageSeries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

_GIB = 2**30
_PIECE_S = 3600.0
_LONGEST_S = 900.0
"""A sample stands for no more time than this before it: longer is a gap."""


def with_usage(ledger: Ledger, usage: Usage) -> Ledger:
    """Return a ledger whose pods held and used what a source says, each cut at whole hours."""
    series: dict[tuple[str, str], list[UsageSeries]] = defaultdict(list)
    for each in usage.series:
        series[each.container.namespace, each.container.pod].append(each)
    pods: list[PodInterval] = []
    for run in ledger.pods:
        found = series.get((run.namespace, run.name))
        pods += _pieces(run, _samples(found)) if found else [run]
    return replace(ledger, pods=tuple(pods))


def _samples(series: Sequence[UsageSeries]) -> Samples:
    """Return a pod's times, cores and GiB: the sum of its containers'."""
    import numpy as np

    times = np.unique(np.concatenate([each.times for each in series]))
    sums = {"cpu": np.zeros(len(times)), "memory": np.zeros(len(times))}
    for each in series:
        if len(each.times):
            place = np.searchsorted(each.times, times)
            known = place < len(each.times)
            sums[each.resource][known] += each.values[place[known]]
    return times, sums["cpu"], sums["memory"] / _GIB


def _pieces(run: PodInterval, samples: Samples) -> Iterator[PodInterval]:
    import numpy as np

    times, cores, gib = samples
    lasting = np.minimum(np.diff(times, prepend=times[0] - 60.0), _LONGEST_S)
    start, end = run.start.timestamp(), run.end.timestamp()
    while start < end:
        until = min((start // _PIECE_S + 1) * _PIECE_S, end)
        inside = (times > start) & (times <= until)
        piece = replace(run, start=_moment(start), end=_moment(until))
        if inside.any():
            weights = lasting[inside]
            piece = _told(piece, weights / weights.sum(), cores[inside], gib[inside])
        yield piece
        start = until


def _told(
    piece: PodInterval, weights: NDArray[np.float64], cores: NDArray[np.float64], gib: NDArray[np.float64]
) -> PodInterval:
    """Return a piece with the means of its samples."""
    import numpy as np

    asked = piece.asked
    held = Resources(
        float(weights @ np.maximum(cores, asked.cpu_cores)),
        float(weights @ np.maximum(gib, asked.ram_gib)),
        piece.held.gpus,
    )
    return replace(piece, held=held, used=Resources(float(weights @ cores), float(weights @ gib)))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
