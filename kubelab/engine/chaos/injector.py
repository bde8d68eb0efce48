"""`Injector`: what each kind of fault has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kubelab.chaos.experiment import Experiment
from kubelab.errors import KubelabError


class RefusedError(KubelabError):
    """A fault cannot be injected on this cluster; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How a fault was undone.

    Parameters
    ----------
    said : str
        In words.
    affected : int, optional
        How many requests, packets or pods it touched; None where that is not counted.
    """

    said: str
    affected: int | None = None


class Injector(Protocol):
    """Injects one kind of fault and undoes it; both may be asked for again after a restart."""

    async def inject(self, experiment: Experiment) -> str:
        """Inject it; return what was done.

        Raises
        ------
        RefusedError
            If that is not possible here.
        """
        ...

    async def undo(self, experiment: Experiment) -> Undone:
        """Undo it, as far as it was injected."""
        ...
