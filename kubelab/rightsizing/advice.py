"""`advice`: recommendations as a manager reads them: what to do, what it is worth, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kubelab.rightsizing.recommendation import shown, unit_of
from kubelab.rightsizing.rightsizing import Rightsizing, Row

if TYPE_CHECKING:
    import pandas as pd

Sureness = Literal["sure", "fairly sure", "unsure"]
NARROW, WIDE = 1.25, 2.0
"""How many times its lower end the upper end of an interval may be, to be sure and to be fairly sure."""
MANY, FEW = 1440, 100
"""So many samples it takes to be sure (a day of minutes, as for VPA's confidence) and fairly sure (krr)."""


def advice(sized: Rightsizing) -> pd.DataFrame:
    """Return one row a container and resource, what saves most a month first.

    Returns
    -------
    DataFrame
        workload, container, what to do, saves_usd_per_month (negative where it costs more; NaN where nothing
        is asked for now), how_sure, why.
    """
    import pandas as pd

    rows = [
        (
            f"{each.group.key.namespace}/{each.group.key.controller_name or each.group.key.pod}",
            each.group.key.container,
            what_to_do(each),
            None if each.request is None else each.saves_usd_per_month,
            "" if each.recommendation is None else how_sure(each),
            each.why,
        )
        for each in sized.rows
    ]
    columns = ["workload", "container", "what to do", "saves_usd_per_month", "how_sure", "why"]
    return pd.DataFrame(rows, columns=columns)


def what_to_do(row: Row) -> str:
    """Return such as ``lower cpu from 2000m to 806m``."""
    if row.recommendation is None:
        return f"wait: too little is known of {row.resource}"
    unit, wanted = unit_of(row.resource), row.recommendation
    target = shown(wanted.request, unit)
    if row.request is None:
        return f"ask for {target} of {row.resource}"
    now = shown(row.request, unit)
    if wanted.covers(row.request):
        return f"leave {row.resource} at {now}"
    return f"{'lower' if row.request > wanted.request else 'raise'} {row.resource} from {now} to {target}"


def how_sure(row: Row) -> Sureness:
    """Return how sure a recommendation is, by the width of its interval and the number of samples."""
    wanted = row.recommendation
    if wanted is None or wanted.lower <= 0:
        return "unsure"
    samples = next((each.value for each in wanted.evidence if each.term == "samples"), 0.0)
    width = wanted.upper / wanted.lower
    if width <= NARROW and samples >= MANY:
        return "sure"
    return "fairly sure" if width <= WIDE and samples >= FEW else "unsure"
