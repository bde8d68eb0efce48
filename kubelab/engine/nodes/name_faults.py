"""`NameFaults`: Services whose names pods do not find, or find late, on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubelab.clock import monotonic
from kubelab.engine.nodes.names import Name


@dataclass(slots=True)
class _Fault:
    services: frozenset[tuple[str, str]]
    delay_s: float | None
    known: set[Name] = field(default_factory=set)
    seen_s: dict[Name, float] = field(default_factory=dict)


class NameFaults:
    """Which of the names that DNS would answer are withheld from the hosts files of pods.

    Attributes
    ----------
    changed : callable
        Called when the hosts files have to be renewed.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._faults: dict[str, _Fault] = {}
        self._latest: list[Name] = []

    def begin(self, name: str, services: Iterable[tuple[str, str]], delay_s: float | None = None) -> None:
        """Withhold the names of Services (namespace, name); with a delay only what is new, for so long."""
        self._faults[name] = _Fault(frozenset(services), delay_s, known=set(self._latest))
        self.changed()

    def end(self, name: str) -> None:
        """Show them again."""
        if self._faults.pop(name, None) is not None:
            self.changed()

    def shown(self, names: list[Name]) -> list[Name]:
        """Return the names that pods find now."""
        self._latest = names
        return [name for name in names if not any(self._hides(each, name) for each in self._faults.values())]

    def _hides(self, fault: _Fault, name: Name) -> bool:
        if (name.namespace, name.name.rpartition(".")[2]) not in fault.services:
            return False
        if fault.delay_s is None:
            return True
        if name in fault.known:
            return False
        if name not in fault.seen_s:
            fault.seen_s[name] = monotonic()
            asyncio.get_running_loop().call_later(fault.delay_s, self.changed)
        return monotonic() < fault.seen_s[name] + fault.delay_s
