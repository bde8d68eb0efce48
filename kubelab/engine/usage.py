"""What nodes and pods use, whoever measures or declares it: one interface for all kinds of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Usage:
    """An amount in use.

    Attributes
    ----------
    cpu_nanocores : int
        CPU time over the window, as a rate: 10**9 is one core.
    memory_bytes : int
        At the window's end.
    """

    cpu_nanocores: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """What a node uses; ``at`` is the end of the window that CPU was measured over."""

    name: str
    usage: Usage
    at: datetime
    window_s: float


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What a pod's containers use, by name."""

    namespace: str
    name: str
    containers: dict[str, Usage]
    at: datetime
    window_s: float


class UsageSource(Protocol):
    """Knows what some nodes and their pods use now."""

    def nodes(self) -> Iterable[NodeUsage]:
        """Return what is known of nodes."""
        ...

    def pods(self) -> Iterable[PodUsage]:
        """Return what is known of running pods."""
        ...
