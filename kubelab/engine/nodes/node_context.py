"""What a node lends to the work on each of its pods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from kubelab.client import Client, Object
from kubelab.clock import Clock
from kubelab.engine.measures import Histogram
from kubelab.engine.nodes.events import Recorder
from kubelab.engine.nodes.hosts import Hosts
from kubelab.engine.nodes.plan import IsolationPlan
from kubelab.engine.nodes.warm_parent import WarmParent


@dataclass(frozen=True, slots=True)
class NodeContext:
    """A node, as the work on its pods sees it.

    Attributes
    ----------
    allocatable : dict of str to str
        What the Node can give to pods.
    back_off_s : float
        First restart delay.
    claim : callable
        ``await claim(pod)`` provisions what the pod claims.
    starts : Histogram
        How long pods take to run, in seconds.
    """

    name: str
    client: Client
    clock: Clock
    state_dir: Path
    host_address: str
    allocatable: dict[str, str]
    isolation: IsolationPlan
    events: Recorder
    hosts: Hosts
    warm: WarmParent | None
    ca_file: Path
    back_off_s: float
    claim: Callable[[Object], Awaitable[None]]
    starts: Histogram
