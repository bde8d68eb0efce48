"""A ledger from a file: what ``kubectl get nodes,pods,meterreadings -A -o json`` wrote.

Where kubelab does not meter, ``kubectl get nodes,pods -A -o json`` does too; what is gone is then not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from kubelab.clock import parse_rfc3339
from kubelab.costs.ledger import Ledger
from kubelab.costs.prices import Prices
from kubelab.costs.survey import ledger_of
from kubelab.errors import KubelabError

_KINDS = ("Node", "Pod", "MeterReading")
_TIMES = ("creationTimestamp", "startTime", "startedAt", "finishedAt", "lastHeartbeatTime", "renewTime", "to")


class RecordingError(KubelabError, ValueError):
    """A file is no recording of a cluster.

    Attributes
    ----------
    name : str
        The file's.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(
            f"{name} tells nothing of a cluster's costs: {problem}. "
            "Write it by: kubectl get nodes,pods,meterreadings -A -o json"
        )


def read_recording(path: Path, *, now: datetime | None = None, prices: Prices | None = None) -> Ledger:
    """Return the ledger of a recorded cluster.

    Parameters
    ----------
    now : datetime, optional
        When it was recorded; the latest moment that anything in it tells of unless given.
    prices : Prices, optional
        What nodes cost that do not say it themselves.

    Raises
    ------
    RecordingError
        If the file cannot be read, or has no nodes.
    """
    try:
        items = orjson.loads(path.read_bytes())["items"]
        found = {kind: [each for each in items if each["kind"] == kind] for kind in _KINDS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordingError(path.name, f"it cannot be read ({type(error).__name__})") from None
    if not found["Node"] and not found["MeterReading"]:
        raise RecordingError(path.name, "it has no nodes")
    now = now or max(_moments(items))
    return ledger_of(found["Node"], found["Pod"], found["MeterReading"], now=now, prices=prices)


def _moments(part: Any) -> Iterator[datetime]:
    """Yield every moment that anything tells of."""
    if isinstance(part, list):
        for each in part:
            yield from _moments(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in _TIMES and isinstance(value, str):
                yield parse_rfc3339(value)
            elif isinstance(value, dict | list):
                yield from _moments(value)
