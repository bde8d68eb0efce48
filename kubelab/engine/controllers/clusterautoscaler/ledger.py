"""What the loop remembers between two steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kubelab.autoscaling.backoff import Backoff
from kubelab.autoscaling.scale_down import Verdict


@dataclass(slots=True)
class Ledger:
    """Kept in memory, as upstream does: a restarted autoscaler begins its timers anew.

    Attributes
    ----------
    increased : mapping of str to datetime
        By group: when nodes were last asked for that are still on their way.
    refused : mapping of str to str
        By group: the time of the provider's last refusal that was dealt with.
    backoffs : mapping of str to Backoff
        By group.
    unneeded_since : mapping of str to datetime
        By node.
    unremovable : mapping of str to (datetime, Verdict)
        By node: until when a verdict that took a simulation stands.
    last_added, last_deleted, last_failed : datetime or None
        What the delays of scale-down count from.
    told : mapping of str to str
        By pod: why nothing was added for it, as its last event says.
    """

    increased: dict[str, datetime] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    backoffs: dict[str, Backoff] = field(default_factory=dict)
    unneeded_since: dict[str, datetime] = field(default_factory=dict)
    unremovable: dict[str, tuple[datetime, Verdict]] = field(default_factory=dict)
    last_added: datetime | None = None
    last_deleted: datetime | None = None
    last_failed: datetime | None = None
    told: dict[str, str] = field(default_factory=dict)
