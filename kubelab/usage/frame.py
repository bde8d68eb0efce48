"""Use as a table, in the columns of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.usage.recorded import AMOUNTS, KEYS, TIME
from kubelab.usage.series import Usage

if TYPE_CHECKING:
    import pandas as pd


def usage_frame(usage: Usage) -> pd.DataFrame:
    """Return one row for each container and time.

    Returns
    -------
    DataFrame
        time (UTC), namespace, pod, container, controller_kind, controller_name, node, cpu_cores,
        memory_bytes; ``attrs["missing"]`` is what the source could not read.
    """
    import pandas as pd

    columns = {resource: column for column, resource in AMOUNTS.items()}
    parts = [
        pd.DataFrame({TIME: each.times, "amount": each.values}).assign(
            resource=columns[each.resource], **{key: getattr(each.container, key) for key in KEYS}
        )
        for each in usage.series
    ]
    index = [*KEYS, TIME]
    if parts:
        long = pd.concat(parts, ignore_index=True)
        frame = long.pivot_table(index=index, columns="resource", values="amount").reset_index()
    else:
        frame = pd.DataFrame(columns=index)
    frame = frame.reindex(columns=[TIME, *KEYS, *AMOUNTS])
    frame.columns.name = None
    frame[TIME] = pd.to_datetime(frame[TIME], unit="s", utc=True)
    frame.attrs["missing"] = usage.missing
    return frame
