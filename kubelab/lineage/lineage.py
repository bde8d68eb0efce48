"""`Lineage`: what was kept of a run, read back."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kubelab.lineage import record
from kubelab.lineage.record import Point, Status

if TYPE_CHECKING:
    import pandas as pd

_SHORT = 12
"""As many characters of a hash are shown."""
_HASH = re.compile(r"[0-9a-f]{13,}")


@dataclass(frozen=True, slots=True)
class Lineage:
    """An MLflow run of a job, a trial or a sweep.

    Parameters
    ----------
    run_id, name : str
        MLflow's id of the run, and its name.
    status : Status
        Where it stands, in MLflow's words; `state` says it in the object's own.
    tracking_uri : str
        Where it is kept.
    parameters : mapping of str to str
        The function's arguments.
    tags : mapping of str to str
        All that is known besides.
    points : tuple of Point
        Every number that was reported, ordered by name, step and time.
    started, ended : datetime, optional
        When, in UTC.
    children : tuple of Lineage
        A sweep's trials, by their numbers.
    """

    run_id: str
    name: str
    status: Status
    tracking_uri: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    children: tuple[Lineage, ...] = ()

    @property
    def kind(self) -> str:
        """The object's kind, such as ``TrainJob``."""
        return self.tags.get(record.KIND, "")

    @property
    def state(self) -> str:
        """Where the object stood last, such as ``Succeeded`` or ``EarlyStopped``."""
        return self.tags.get(record.STATE, "")

    @property
    def cluster(self) -> str:
        """The cluster it ran on."""
        return self.tags.get(record.CLUSTER, "")

    @property
    def code(self) -> str:
        """The SHA-256 of the archive that its pods ran; empty where it could not be read."""
        return self.tags.get(record.CODE, "")

    @property
    def git_commit(self) -> str:
        """The commit of the folder that it was launched from; empty outside a repository."""
        return self.tags.get(record.GIT_COMMIT, "")

    @property
    def dataset(self) -> str:
        """The data that the function said it learns from, as ``name fingerprint``."""
        return self.tags.get(record.DATASET, "")

    @property
    def checkpoints(self) -> str:
        """Where its checkpoints are, such as ``file:///...``; empty where it keeps none."""
        return self.tags.get(record.CHECKPOINTS, "")

    @property
    def checkpoint_steps(self) -> tuple[int, ...]:
        """The steps whose checkpoints are there now; none where they are not on this machine."""
        place = Path(self.checkpoints.removeprefix("file://"), "checkpoints")
        if not self.checkpoints.startswith("file://") or not place.is_dir():
            return ()
        return tuple(sorted(int(each.name) for each in place.iterdir() if each.name.isdecimal()))

    @property
    def parent(self) -> str:
        """The run id of the sweep that it is part of; empty where there is none."""
        return self.tags.get(record.PARENT_RUN, "")

    @property
    def cpu_core_hours(self) -> float:
        """How many cores its pods asked for, times how long they had them; so far, and of all trials."""
        return self._cost(record.CPU)

    @property
    def memory_gib_hours(self) -> float:
        """How much memory its pods asked for, times how long they had it; so far, and of all trials."""
        return self._cost(record.MEMORY)

    @property
    def cost_usd(self) -> float:
        """What its pods cost, by the prices of their nodes, so far and of all trials; NaN without prices."""
        return self._cost(record.COST)

    @property
    def prices_of(self) -> str:
        """The days on which these prices held; empty without prices."""
        told = (run.tags.get(record.PRICES_OF, "") for run in (self, *self.children))
        return ", ".join(sorted({day for days in told for day in days.split(", ") if day}))

    def latest(self, metric: str) -> float:
        """Return a metric's newest value; NaN where there is none."""
        found = [point for point in self.points if point.name == metric]
        return max(found, key=lambda point: (point.step, point.time_ms)).value if found else math.nan

    def _cost(self, name: str) -> float:
        costs = [run.latest(name) for run in (self, *self.children)]
        known = [each for each in costs if not math.isnan(each)]
        return sum(known) if known else math.nan

    def metrics(self) -> pd.DataFrame:
        """Return every number that was reported, also by a sweep's trials.

        Returns
        -------
        DataFrame
            A row for each number: run (its name), name, step, value, time (UTC).
        """
        import pandas as pd

        rows = [
            (run.name, point.name, point.step, point.value, point.time_ms)
            for run in (self, *self.children)
            for point in run.points
        ]
        frame = pd.DataFrame(rows, columns=["run", "name", "step", "value", "time"])
        frame["time"] = pd.to_datetime(frame["time"], unit="ms", utc=True)
        return frame

    def to_frame(self) -> pd.DataFrame:
        """Return a row for the run, and one for each of a sweep's trials below it.

        Returns
        -------
        DataFrame
            By run id: name, kind, state, started, ended (UTC), code, dataset, checkpoints, parent,
            cpu_core_hours, memory_gib_hours, cost_usd, prices_of, then ``params.…`` and ``metrics.…`` as in
            `mlflow.search_runs`.
        """
        import pandas as pd

        return pd.DataFrame([_row(run) for run in (self, *self.children)]).set_index("run_id")

    def __repr__(self) -> str:
        parts = [self.state or self.status]
        if self.children:
            parts.append(f"{len(self.children)} trials")
        parts += [f"{name}={value}" for name, value in self.parameters.items()]
        if self.code:
            parts.append(f"code {self.code[:_SHORT]}")
        if self.git_commit:
            parts.append(f"commit {self.git_commit[:_SHORT]}")
        if self.dataset:
            parts.append(f"data {_HASH.sub(_shortened, self.dataset)}")
        if not math.isnan(self.cpu_core_hours):
            parts.append(f"{self.cpu_core_hours:.3g} core hours")
        if not math.isnan(self.cost_usd):
            parts.append(f"{self.cost_usd:.3g} USD (prices of {self.prices_of})")
        return f"<Lineage of {self.kind} {self.name}: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


def _row(run: Lineage) -> dict[str, object]:
    costs = {record.CPU, record.MEMORY, record.COST}
    names = dict.fromkeys(point.name for point in run.points if point.name not in costs)
    return {
        "run_id": run.run_id,
        "name": run.name,
        "kind": run.kind,
        "state": run.state,
        "started": run.started,
        "ended": run.ended,
        "code": run.code,
        "dataset": run.dataset,
        "checkpoints": run.checkpoints,
        "parent": run.parent,
        "cpu_core_hours": run.cpu_core_hours,
        "memory_gib_hours": run.memory_gib_hours,
        "cost_usd": run.cost_usd,
        "prices_of": run.prices_of,
        **{f"params.{name}": value for name, value in run.parameters.items()},
        **{f"metrics.{name}": run.latest(name) for name in names},
    }


def _shortened(found: re.Match[str]) -> str:
    return found.group()[:_SHORT]


def moment(time_ms: int | None) -> datetime | None:
    """Return the time of so many milliseconds since 1970."""
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC)
