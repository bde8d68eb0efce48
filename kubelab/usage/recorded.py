"""`Recorded`: series from a CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubelab.clock import RealClock
from kubelab.errors import KubelabError
from kubelab.usage.cleaning import clean
from kubelab.usage.series import ContainerKey, Resource, Usage, UsageSeries

if TYPE_CHECKING:
    import pandas as pd

TIME = "time"
AMOUNTS: dict[str, Resource] = {"cpu_cores": "cpu", "memory_bytes": "memory"}
KEYS = ("namespace", "pod", "container", "controller_kind", "controller_name", "node")
_AHEAD = timedelta(days=1)
"""Clocks and time zones may differ so much; what is further ahead is a mistake."""
_NEEDED = ("namespace", "pod", "container")


class RecordedError(KubelabError, ValueError):
    """A file that cannot be read as recorded use.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        columns = f"{TIME}, {', '.join(_NEEDED)}, and one or both of {' and '.join(AMOUNTS)}"
        super().__init__(f"{path}: {problem}. A recording has the columns {columns}.")


class Recorded:
    """A source that knows what a file says, such as one exported from a monitoring system.

    Parameters
    ----------
    path : Path or str
        ``.csv``, ``.csv.gz`` or ``.parquet``. Columns: ``time`` (RFC 3339, or seconds since the epoch),
        ``namespace``, ``pod``, ``container``, ``cpu_cores`` and ``memory_bytes``, of which one may be
        missing; and, where they are known, ``controller_kind``, ``controller_name`` and ``node``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def span(self) -> tuple[datetime, datetime]:
        """Return the first and the last time in the file, in UTC.

        Raises
        ------
        RecordedError
            If it cannot be read.
        """
        times = self._frame()[0][TIME]
        return times.min().to_pydatetime(), times.max().to_pydatetime()

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        """Return what the file says of a window; its end does not belong to it.

        Raises
        ------
        RecordedError
            If it cannot be read.
        """
        frame, left_out = self._frame()
        frame = frame[(frame[TIME] >= start) & (frame[TIME] < end)]
        if namespace is not None:
            frame = frame[frame["namespace"] == namespace]
        found = list(self._series(frame, end.timestamp()))
        missing = [*left_out, *(problem for _, problems in found for problem in problems)]
        if not found:
            missing.append(f"{self.path} says nothing of this window")
        return Usage(tuple(series for series, _ in found), tuple(missing))

    def _series(self, frame: pd.DataFrame, end: float) -> Iterator[tuple[UsageSeries, list[str]]]:
        for values, rows in frame.groupby(list(KEYS), sort=True):
            key = ContainerKey(*map(str, values))
            seconds = rows[TIME].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9
            for column, resource in AMOUNTS.items():
                if column not in rows or rows[column].isna().all():
                    continue
                cleaned = clean(seconds, rows[column].to_numpy(dtype="float64"), now=end)
                name = f"{key.namespace}/{key.pod}/{key.container} {resource}"
                problems = [f"{name}: {problem}" for problem in cleaned.problems()]
                yield UsageSeries(key, resource, cleaned.times, cleaned.values), problems

    def _frame(self) -> tuple[pd.DataFrame, list[str]]:
        """Return the rows that have a time that has been, and what was wrong with the others."""
        frame = self._raw()
        lacking = [name for name in (TIME, *_NEEDED) if name not in frame]
        if lacking or not any(name in frame for name in AMOUNTS):
            what = ", ".join(lacking) or " or ".join(AMOUNTS)
            raise RecordedError(self.path, f"it has no column {what}")
        for name in KEYS:
            frame[name] = frame[name].astype("object").fillna("").astype(str) if name in frame else ""
        frame[TIME] = self._times(frame[TIME])
        for name in AMOUNTS:
            if name in frame:
                frame[name] = _numbers(frame[name])
        timeless, ahead = frame[TIME].isna(), frame[TIME] > RealClock().now() + _AHEAD
        wrong = ((timeless, "have no time"), (ahead, "are of a time to come"))
        left_out = [f"{self.path}: {rows.sum()} rows {what}" for rows, what in wrong if rows.any()]
        return frame[~(timeless | ahead)], left_out

    def _raw(self) -> pd.DataFrame:
        import pandas as pd

        try:
            if self.path.suffix == ".parquet":
                return pd.read_parquet(self.path)
            return pd.read_csv(self.path)
        except FileNotFoundError:
            raise RecordedError(self.path, "there is no such file") from None
        except ImportError:
            raise RecordedError(self.path, "reading Parquet needs pyarrow: pip install pyarrow") from None
        except (ValueError, OSError) as error:
            raise RecordedError(self.path, f"it cannot be read ({error})") from error

    def _times(self, column: Any) -> Any:
        import pandas as pd
        from pandas.api.types import is_numeric_dtype

        try:
            if is_numeric_dtype(column):
                return pd.to_datetime(column, unit="s", utc=True)
            return pd.to_datetime(column, utc=True, format="ISO8601")
        except (ValueError, TypeError) as error:
            raise RecordedError(self.path, f"column {TIME} holds what is no time ({error})") from error


def _numbers(column: Any) -> Any:
    import pandas as pd

    return pd.to_numeric(column, errors="coerce")
