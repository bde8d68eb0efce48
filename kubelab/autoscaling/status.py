"""The text of ConfigMap ``cluster-autoscaler-status``: YAML as in ``clusterstate/api/types.go`` of 1.36.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import yaml

from kubelab.autoscaling.backoff import Backoff
from kubelab.client import Object
from kubelab.clock import rfc3339

UNHEALTHY_SHARE = 0.45
"""``--max-total-unready-percentage``."""

UNHEALTHY_COUNT = 3
"""``--ok-total-unready-count``."""


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's where it is there: it is ten times as fast."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many nodes are in which state.

    Attributes
    ----------
    not_started : int
        Not ready yet, and young.
    """

    ready: int = 0
    unready: int = 0
    not_started: int = 0
    being_deleted: int = 0

    @property
    def registered(self) -> int:
        """All of them."""
        return self.ready + self.unready + self.not_started + self.being_deleted

    @property
    def healthy(self) -> bool:
        """Whether few enough are unready for scaling to go on (``IsClusterHealthy``)."""
        return self.unready <= UNHEALTHY_COUNT or self.unready <= UNHEALTHY_SHARE * self.registered

    def plus(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(
            self.ready + other.ready,
            self.unready + other.unready,
            self.not_started + other.not_started,
            self.being_deleted + other.being_deleted,
        )


@dataclass(frozen=True, slots=True)
class GroupState:
    """One group's part.

    Attributes
    ----------
    upcoming : int
        Nodes that are asked for and not there.
    candidates : int
        Nodes that are not needed.
    backoff : Backoff or None
        While it is in force.
    """

    name: str
    counts: Counts
    target: int
    min_size: int
    max_size: int
    upcoming: int
    candidates: int
    backoff: Backoff | None = None

    @property
    def scale_up(self) -> Literal["Backoff", "InProgress", "NoActivity"]:
        """What it does about more nodes."""
        if self.backoff is not None:
            return "Backoff"
        return "InProgress" if self.upcoming else "NoActivity"


def status_text(groups: Sequence[GroupState], without_group: Counts, *, needed: bool, now: datetime) -> str:
    """Return the YAML.

    Parameters
    ----------
    without_group : Counts
        Nodes that no group made.
    needed : bool
        Whether pods wait that more nodes would help.
    """
    counts = without_group
    for group in groups:
        counts = counts.plus(group.counts)
    coming = any(group.upcoming for group in groups)
    status = {
        "time": f"{now:%Y-%m-%d %H:%M:%S.%f} +0000 UTC",
        "autoscalerStatus": "Running",
        "clusterWide": {
            "health": {
                "status": "Healthy" if counts.healthy else "Unhealthy",
                "nodeCounts": _node_counts(counts),
                "lastProbeTime": rfc3339(now),
            },
            "scaleUp": {
                "status": "InProgress" if coming else "Needed" if needed else "NoActivity",
                "lastProbeTime": rfc3339(now),
            },
            "scaleDown": _scale_down(sum(group.candidates for group in groups), now),
        },
        "nodeGroups": [_group(group, now) for group in groups],
    }
    return str(yaml.dump(status, Dumper=_DUMPER, sort_keys=False))


def _group(group: GroupState, now: datetime) -> Object:
    scale_up: Object = {"status": group.scale_up}
    if group.backoff is not None:
        scale_up["backoffInfo"] = {
            "errorCode": group.backoff.code,
            "errorMessage": group.backoff.message,
        }
    return {
        "name": group.name,
        "health": {
            "status": "Healthy" if group.counts.healthy else "Unhealthy",
            "nodeCounts": _node_counts(group.counts),
            "cloudProviderTarget": group.target,
            "minSize": group.min_size,
            "maxSize": group.max_size,
            "lastProbeTime": rfc3339(now),
        },
        "scaleUp": {**scale_up, "lastProbeTime": rfc3339(now)},
        "scaleDown": _scale_down(group.candidates, now),
    }


def _node_counts(counts: Counts) -> Object:
    return {
        "registered": {
            "total": counts.registered,
            "ready": counts.ready,
            "notStarted": counts.not_started,
            "beingDeleted": counts.being_deleted,
            "unready": {"total": counts.unready, "resourceUnready": 0},
        },
        "longUnregistered": 0,
        "unregistered": 0,
    }


def _scale_down(candidates: int, now: datetime) -> Object:
    status: Object = {"status": "CandidatesPresent" if candidates else "NoCandidates"}
    if candidates:
        status["candidates"] = candidates
    return {**status, "lastProbeTime": rfc3339(now)}
