"""`Experiment`: one fault, whom it hits and for how long, as the object ChaosExperiment holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from kubelab.client import CHAOS_EXPERIMENTS, Object

LONGEST_S = 600.0
"""No fault lasts longer."""
FLAP = "chaos.kubelab.dev/flap"
"""A key that no pod has: with it in its selector, a Service has no endpoints."""
OVER = frozenset({"Ended", "Refused"})
"""Phases in which nothing is injected any more."""
MOST_PER_S = 1000.0
"""No more connections than so many a second are opened."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is hit: a pod, a node, a Service or the API server.

    Parameters
    ----------
    kind, name, namespace, uid : str
        As in its object; the uid tells it from a later one of that name.
    address : str
        A pod's own address.
    """

    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    address: str = ""

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class Experiment:
    """A fault to inject.

    Parameters
    ----------
    fault : str
        Such as ``kill-pod``.
    targets : tuple of Target
        Whom it hits.
    namespace : str
        Where its object is.
    duration_s : float
        After how many seconds it is undone; 0 for one that leaves nothing to undo.
    seed : int
        For lots that are drawn.
    parameters : mapping of str to float
        The fault's own, such as ``latency_s``.
    hypothesis : str
        What is expected.
    about : Target, optional
        The job that the hypothesis is about.
    name, uid : str
        Of its object, once it has one.
    """

    fault: str
    targets: tuple[Target, ...]
    namespace: str
    duration_s: float = 0.0
    seed: int = 0
    parameters: Mapping[str, float] = field(default_factory=dict)
    hypothesis: str = ""
    about: Target | None = None
    name: str = ""
    uid: str = ""

    @property
    def pods(self) -> tuple[Target, ...]:
        """The pods among the targets."""
        return tuple(target for target in self.targets if target.kind == "Pod")

    def to_object(self) -> Object:
        """Return the ChaosExperiment to create; the API server completes its name."""
        return {
            "apiVersion": CHAOS_EXPERIMENTS.api_version,
            "kind": CHAOS_EXPERIMENTS.kind,
            "metadata": {"generateName": f"{self.fault}-", "namespace": self.namespace},
            "spec": {
                "fault": self.fault,
                "targets": [_target_object(target) for target in self.targets],
                "hits": ", ".join(map(str, self.targets)),
                "durationSeconds": self.duration_s,
                "seed": self.seed,
                "parameters": dict(self.parameters),
                "hypothesis": self.hypothesis,
                **({"about": _target_object(self.about)} if self.about else {}),
            },
        }

    @classmethod
    def of_object(cls, obj: Object) -> Experiment:
        """Return what a ChaosExperiment says."""
        spec, meta = obj["spec"], obj["metadata"]
        return cls(
            fault=spec["fault"],
            targets=tuple(Target(**target) for target in spec["targets"]),
            namespace=meta["namespace"],
            duration_s=float(spec.get("durationSeconds", 0)),
            seed=int(spec.get("seed", 0)),
            parameters=spec.get("parameters") or {},
            hypothesis=spec.get("hypothesis", ""),
            about=Target(**spec["about"]) if spec.get("about") else None,
            name=meta["name"],
            uid=meta.get("uid", ""),
        )


def _target_object(target: Target) -> Object:
    return {key: value for key, value in asdict(target).items() if value}
