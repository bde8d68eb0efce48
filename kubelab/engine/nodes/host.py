"""What a supervisor shares with its containers and probes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubelab.clock import Clock
from kubelab.engine.nodes.loop import Loop
from kubelab.engine.nodes.plan import ContainerPlan, PodPlan


@dataclass(frozen=True, slots=True)
class Host:
    """A supervisor, as its containers see it.

    Attributes
    ----------
    directory : Path
        ``pods/<uid>``.
    changed : callable
        Says that the pod's status is to be written.
    record : callable
        ``record(type, reason, message, container)`` makes an event.
    python_paths : list of str or None
        ``sys.path`` of a new interpreter if this process is warm; None if Python commands are executed.
    """

    pod: PodPlan
    directory: Path
    loop: Loop
    clock: Clock
    changed: Callable[[], None]
    record: Callable[[str, str, str, ContainerPlan], None]
    python_paths: list[str] | None
