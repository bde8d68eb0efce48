"""`WholeAmounts` of CPU and memory as the recommender computes them: whole millicores and whole bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubelab.quantities import Quantity, cpu_millicores, whole

MAX = 10**14
"""No amount is greater; upstream's ``MaxResourceAmount``."""


@dataclass(frozen=True, slots=True)
class WholeAmounts:
    """CPU in millicores and memory in bytes; None where it is not controlled or not bounded."""

    cpu: int | None = None
    memory: int | None = None

    @staticmethod
    def of(resources: Mapping[str, Quantity] | None) -> WholeAmounts:
        """Read a ``ResourceList``."""
        given = resources or {}
        return WholeAmounts(
            cpu_millicores(given["cpu"]) if "cpu" in given else None,
            whole(given["memory"]) if "memory" in given else None,
        )

    def resource_list(self) -> dict[str, str]:
        """Return a ``ResourceList``, each quantity written as Kubernetes would: ``{"cpu": "126m"}``."""
        amounts = {
            "cpu": None if self.cpu is None else _decimal(self.cpu, "m"),
            "memory": None if self.memory is None else _decimal(self.memory, ""),
        }
        return {name: text for name, text in amounts.items() if text is not None}

    def at_least(self, other: WholeAmounts) -> WholeAmounts:
        """Return the greater of each, leaving what has no amount."""
        return WholeAmounts(_bounded(max, self.cpu, other.cpu), _bounded(max, self.memory, other.memory))

    def at_most(self, other: WholeAmounts) -> WholeAmounts:
        """Return the smaller of each, leaving what has no amount."""
        return WholeAmounts(_bounded(min, self.cpu, other.cpu), _bounded(min, self.memory, other.memory))


UNBOUNDED = WholeAmounts()


def scaled(amount: int, factor: float) -> int:
    """Return an amount times a factor, cut off after the point and held within 0 and `MAX`."""
    product = amount * factor
    return int(product) if 0 <= product <= MAX else MAX if product > MAX else 0


def _bounded(choose: Callable[[int, int], int], amount: int | None, bound: int | None) -> int | None:
    return amount if amount is None or bound is None else choose(amount, bound)


def _decimal(amount: int, suffix: str) -> str:
    suffixes = ("m", "", "k", "M", "G", "T", "P")
    place = suffixes.index(suffix)
    while amount and amount % 1000 == 0 and place + 1 < len(suffixes):
        amount, place = amount // 1000, place + 1
    return f"{amount}{suffixes[place] if amount else ''}"
