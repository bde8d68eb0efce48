"""`Recommendation`: what a container should ask for, how sure that is, and from which figures it follows."""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.usage.series import ContainerKey, Resource


@dataclass(frozen=True, slots=True)
class Evidence:
    """One figure that a recommendation rests on.

    Attributes
    ----------
    term : str
        What it is of, such as ``P95 of use``.
    value : float
        In ``unit``; cores, bytes, seconds, or a pure number where the unit is empty.
    """

    term: str
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.term} {shown(self.value, self.unit)}"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one container of a workload should ask for of one resource.

    Attributes
    ----------
    container : ContainerKey
        Without a pod where all pods of the workload are meant.
    resource : "cpu" or "memory"
    request : float
        Cores or bytes.
    limit : float or None
        None where the strategy wants none.
    lower, upper : float
        A request outside of these is worth changing; between them it may stay.
    why : str
        One sentence.
    evidence : tuple of Evidence
        The figures of that sentence.
    """

    container: ContainerKey
    resource: Resource
    request: float
    limit: float | None
    lower: float
    upper: float
    why: str
    evidence: tuple[Evidence, ...] = ()

    def covers(self, request: float) -> bool:
        """Say whether a request is within the interval."""
        return self.lower <= request <= self.upper


def shown(value: float, unit: str) -> str:
    """Return an amount for people: ``250m``, ``512Mi``, ``36 h``."""
    match unit:
        case "cores":
            return f"{value * 1000:.0f}m" if value < 10 else f"{value:.3g}"
        case "bytes":
            return f"{value / 2**20:.0f}Mi"
        case "s":
            return f"{value / 3600:.3g} h" if value >= 3600 else f"{value:.0f} s"
        case "%":
            return f"{value:.1f} %"
        case _:
            return f"{value:.6g} {unit}".rstrip()


def unit_of(resource: Resource) -> str:
    """Return the unit of a resource's amounts."""
    return "cores" if resource == "cpu" else "bytes"
