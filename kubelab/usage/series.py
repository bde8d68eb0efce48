"""What one container used of one resource over time, and what a source found of many containers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Resource = Literal["cpu", "memory"]


@dataclass(frozen=True, slots=True)
class ContainerKey:
    """Which container of which pod, and whose pod it is.

    Attributes
    ----------
    controller_kind, controller_name : str
        The workload that a user knows (a Deployment rather than its ReplicaSet); empty for a bare pod.
    node : str
        Where the pod runs; empty where the source does not say.
    """

    namespace: str
    pod: str
    container: str
    controller_kind: str = ""
    controller_name: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class UsageSeries:
    """What one container used of one resource.

    Attributes
    ----------
    resource : "cpu" or "memory"
    times : ndarray of float64, shape (n,)
        Seconds since the epoch, strictly ascending.
    values : ndarray of float64, shape (n,)
        Cores (means over the time since the sample before), or bytes of working set; finite, never negative.
    """

    container: ContainerKey
    resource: Resource
    times: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Usage:
    """What a source found.

    Attributes
    ----------
    missing : tuple of str
        What could not be read, or was left out as it made no sense, in plain sentences; empty when whole.
    """

    series: tuple[UsageSeries, ...]
    missing: tuple[str, ...] = ()


class UsageSource(Protocol):
    """Knows what containers used in a window of time."""

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what is known of the containers of a namespace, or of all."""
        ...
