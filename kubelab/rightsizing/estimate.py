"""From histograms to what a container should ask for: percentile, margin, confidence, and a least amount.

Every step cuts off after the point, in whole millicores or bytes, as upstream's integers do.

Upstream: ``pkg/recommender/logic/estimator.go`` and ``recommender.go`` of Vertical Pod Autoscaler 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubelab.rightsizing.aggregation import Seen
from kubelab.rightsizing.amounts import MAX
from kubelab.rightsizing.decay import DecayingHistograms
from kubelab.rightsizing.oom import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_S = 86400.0
SAMPLES_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Settings:
    """The recommender's flags, with upstream's defaults.

    Attributes
    ----------
    target, lower, upper : float
        Percentiles as shares.
    margin : float
        What is added to each of them, as a share of it.
    pod_min_cpu, pod_min_memory : int
        What all containers of a pod get together at least, in millicores and bytes.
    round_cpu, round_memory : int
        Recommendations are rounded up to multiples of so many millicores and bytes.
    """

    target: float = 0.9
    lower: float = 0.5
    upper: float = 0.95
    margin: float = 0.15
    pod_min_cpu: int = 25
    pod_min_memory: int = 250 * MIB
    round_cpu: int = 1
    round_memory: int = 1


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Millicores or bytes for each row; shape (n,) each.

    Attributes
    ----------
    used : ndarray of int64
        The target's percentile, before anything is added.
    target, lower, upper : ndarray of int64
        What to ask for, and the interval in which a request may stay.
    """

    used: NDArray[np.int64]
    target: NDArray[np.int64]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]


def confidence(seen: Seen) -> NDArray[np.float64]:
    """Return for how many days a row was seen, or for how many it has a sample a minute if that is less."""
    days = np.subtract(seen.last, seen.first, out=np.zeros(len(seen.count)), where=seen.count > 0) / DAY_S
    return np.minimum(days, seen.count / SAMPLES_A_DAY)


def estimates(
    histograms: DecayingHistograms,
    sure: NDArray[np.float64],
    least: NDArray[np.int64],
    *,
    units: float,
    round_to: int = 1,
    settings: Settings = DEFAULTS,
) -> Estimates:
    """Return what each row's container should ask for of one resource.

    Parameters
    ----------
    sure : ndarray of float64, shape (n,)
        `confidence` in days: the less, the farther apart are lower and upper.
    least : ndarray of int64, shape (n,)
        No amount is less than this.
    units : float
        Amounts in one unit of the histograms: 1000 millicores in a core, 1 byte in a byte.
    """
    used, target = _with_margin(histograms, settings.target, units, settings.margin)
    _, lower = _with_margin(histograms, settings.lower, units, settings.margin)
    _, upper = _with_margin(histograms, settings.upper, units, settings.margin)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = 1 + 1 / sure
        below = 1 + 0.001 / sure
        lower = _scaled(lower, 1 / (below * below))
        upper = _scaled(upper, above)
    return Estimates(used, *(_rounded(np.maximum(each, least), round_to) for each in (target, lower, upper)))


def _with_margin(
    histograms: DecayingHistograms, share: float, units: float, margin: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    used = _cut(histograms.percentiles(share) * units)
    return used, used + _scaled(used, margin)


def _scaled(amounts: NDArray[np.int64], factor: NDArray[np.float64] | float) -> NDArray[np.int64]:
    return _cut(np.asarray(amounts * factor, dtype=np.float64))


def _cut(amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.nan_to_num(amounts, nan=0.0, posinf=MAX), 0, MAX).astype(np.int64)


def _rounded(amounts: NDArray[np.int64], to: int) -> NDArray[np.int64]:
    return -(-amounts // to) * to
