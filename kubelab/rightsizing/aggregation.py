"""`Aggregation`: turns the samples of many containers into a few histograms, as they come.

CPU samples all count. Of memory only each container's peak in a window of 24 hours does, and a higher one
takes the place of the one before. Containers of one group share their histograms: the pods of a workload,
or of a DaemonSet those on one kind of node.

Upstream: ``pkg/recommender/model/container.go`` and ``aggregate_container_state.go`` of Vertical Pod
Autoscaler 1.7.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubelab.rightsizing.decay import DecayingHistograms
from kubelab.rightsizing.histogram import CPU, MEMORY
from kubelab.rightsizing.oom import MIB, memory_after_oom
from kubelab.rightsizing.rows import Rows
from kubelab.usage.series import ContainerKey, Resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

CPU_WEIGHT = 0.1
MEMORY_WEIGHT = 1.0
WINDOW_S = 86400.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """How much CPU samples say of each group; shape (n,) each.

    Attributes
    ----------
    first, last : ndarray of float64
        Seconds since the epoch; infinite where there was none.
    count : ndarray of int64
    """

    first: NDArray[np.float64]
    last: NDArray[np.float64]
    count: NDArray[np.int64]


class Aggregation:
    """Histograms of groups of containers.

    Attributes
    ----------
    cpu, memory : DecayingHistograms
        One row for each group, in the order of ``groups``.
    groups : Rows of Hashable
        Whatever tells one group from another, such as (namespace, workload, container).
    containers : Rows of ContainerKey
    """

    def __init__(self) -> None:
        self.cpu = DecayingHistograms(CPU)
        self.memory = DecayingHistograms(MEMORY)
        self.groups: Rows[Hashable] = Rows(first=np.inf, last=-np.inf, count=0.0)
        self.containers: Rows[ContainerKey] = Rows(
            group=0.0, last_cpu=-np.inf, last_memory=-np.inf, window_end=-np.inf, peak=0.0, oom_peak=0.0
        )

    def group(self, name: Hashable) -> int:
        """Return the row of a group, a new one if it is unknown."""
        row = self.groups.row(name)
        if row >= len(self.cpu):
            self.cpu.grow(max(2 * row, 16))
            self.memory.grow(max(2 * row, 16))
        return row

    def track(self, container: ContainerKey, group: Hashable) -> int:
        """Return the row of a container, whose samples count for the group from now on."""
        row = self.containers.row(container)
        self.containers["group"][row] = self.group(group)
        return row

    def seen(self) -> Seen:
        """Return how much CPU samples say of each group."""
        return Seen(self.groups["first"], self.groups["last"], self.groups["count"].astype(np.int64))

    def observe(
        self,
        resource: Resource,
        containers: NDArray[np.intp],
        times: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> int:
        """Take in samples, and return how many counted.

        Those that are not later than the container's last one are left out, as are negative ones.

        Parameters
        ----------
        containers : ndarray of intp, shape (n,)
            Rows that `track` gave.
        times : ndarray of float64, shape (n,)
            Seconds since the epoch.
        values : ndarray of float64, shape (n,)
            Cores or bytes, taken as metrics.k8s.io gives them: whole millicores or bytes, rounded up.
        """
        order = _by_container(containers, times)
        rows, at, used = (containers, times, values) if order is None else (
            containers[order], times[order], values[order],
        )  # fmt: skip
        take = self._take_cpu if resource == "cpu" else self._take_memory
        return take(rows, at, used)

    def observe_oom(
        self, container: int, time: float, requested: int, *, ratio: float = 1.2, least: int = 100 * MIB
    ) -> bool:
        """Record that a container was killed for want of memory; False if that is too long ago to count."""
        state = self.containers
        if time < state["window_end"][container] - WINDOW_S:
            return False
        needed = memory_after_oom(requested, int(state["peak"][container]), ratio=ratio, least=least)
        row = np.array([container])
        self._add_peaks(row, np.array([time]), np.array([float(needed)]), of="oom_peak")
        state["last_memory"][container] = time
        return True

    def keep(self, groups: Sequence[Hashable]) -> None:
        """Forget all other groups, and the containers in them."""
        kept = self.groups.rows(groups)
        renumbered = np.full(len(self.groups), -1)
        renumbered[kept] = np.arange(len(kept))
        new_groups = renumbered[self.containers["group"].astype(np.intp)]
        self.containers.take(np.flatnonzero(new_groups >= 0))
        self.containers["group"][:] = new_groups[new_groups >= 0]
        self.groups.take(kept)
        self.cpu.take(kept)
        self.memory.take(kept)

    def _take_cpu(
        self, rows: NDArray[np.intp], times: NDArray[np.float64], values: NDArray[np.float64]
    ) -> int:
        state = self.containers
        good = np.isfinite(values) & (values >= 0)
        fresh = good & (times > state["last_cpu"][rows]) & _later(rows, times, strictly=True)
        rows, times, values = rows[fresh], times[fresh], values[fresh]
        groups = state["group"][rows].astype(np.intp)
        self.cpu.add(groups, np.ceil(np.round(values * 1000, 6)) / 1000, times, CPU_WEIGHT)
        np.maximum.at(state["last_cpu"], rows, times)
        np.minimum.at(self.groups["first"], groups, times)
        np.maximum.at(self.groups["last"], groups, times)
        np.add.at(self.groups["count"], groups, 1.0)
        return len(rows)

    def _take_memory(
        self, rows: NDArray[np.intp], times: NDArray[np.float64], values: NDArray[np.float64]
    ) -> int:
        state = self.containers
        good = np.isfinite(values) & (values >= 0)
        fresh = good & (times >= state["last_memory"][rows]) & _later(rows, times, strictly=False)
        rows, times, values = rows[fresh], times[fresh], np.ceil(values[fresh])
        if not len(rows):
            return 0
        starts = self._window_starts(rows, times)
        peaks = np.maximum.reduceat(values, starts)
        for round_ in _rounds(rows[starts]):
            self._add_peaks(rows[starts][round_], times[starts][round_], peaks[round_], of="peak")
        np.maximum.at(state["last_memory"], rows, times)
        return len(rows)

    def _window_starts(self, rows: NDArray[np.intp], times: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return where, in samples ordered by container and time, a window or container begins."""
        changes = np.append(True, rows[1:] != rows[:-1])
        firsts = times[np.flatnonzero(changes)][np.cumsum(changes) - 1]
        known = self.containers["window_end"][rows]
        ends = np.where(np.isfinite(known), known, firsts)
        window = np.maximum(np.floor((times - ends) / WINDOW_S), -1)
        return np.flatnonzero(changes | np.append(True, window[1:] != window[:-1]))

    def _add_peaks(
        self, rows: NDArray[np.intp], times: NDArray[np.float64], peaks: NDArray[np.float64], *, of: str
    ) -> None:
        """Record one peak of each container: it opens a window, or is the higher one of the current."""
        state = self.containers
        ends = np.where(np.isfinite(state["window_end"][rows]), state["window_end"][rows], times)
        before = np.maximum(state["peak"][rows], state["oom_peak"][rows])
        within = times < ends
        higher = within & (before != 0) & (peaks > before)
        groups = state["group"][rows].astype(np.intp)
        self.memory.subtract(groups[higher], before[higher], ends[higher], MEMORY_WEIGHT)
        opened = rows[~within]
        shift = np.floor((times - ends) / WINDOW_S) * WINDOW_S + WINDOW_S
        ends = np.where(within, ends, ends + shift)
        state["peak"][opened] = state["oom_peak"][opened] = 0
        state["window_end"][rows] = ends
        new = higher | ~within
        self.memory.add(groups[new], peaks[new], ends[new], MEMORY_WEIGHT)
        state[of][rows[new]] = peaks[new]


def _by_container(containers: NDArray[np.intp], times: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Return the order by container, then time; None for samples that stand in it."""
    same = containers[1:] == containers[:-1]
    if ((containers[1:] > containers[:-1]) | (same & (times[1:] >= times[:-1]))).all():
        return None
    if (times[1:] >= times[:-1]).all():
        return np.argsort(containers, kind="stable")
    return np.lexsort((times, containers))


def _later(rows: NDArray[np.intp], times: NDArray[np.float64], *, strictly: bool) -> NDArray[np.bool_]:
    """Return which of the ordered samples are later than the one before of their container."""
    later = times[1:] > times[:-1] if strictly else times[1:] >= times[:-1]
    return np.append(True, (rows[1:] != rows[:-1]) | later)[: len(rows)]


def _rounds(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the places of the first entry of each container, then of each second one, and so on."""
    changes = np.flatnonzero(np.append(True, rows[1:] != rows[:-1]))
    lengths = np.diff(np.append(changes, len(rows)))
    return [changes[lengths > nth] + nth for nth in range(int(lengths.max()))]
