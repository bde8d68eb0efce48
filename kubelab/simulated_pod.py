"""What a pod on a simulated node shall do, as its annotations declare it.

All are optional, and their names begin with ``simulated.kubelab.dev/``:

===================== =========================================================================
``start-delay``       seconds from binding until its containers run; 0
``run-duration``      seconds that each run of its containers lasts. Unless given, pods that a Job
                      owns and pods with an exit code run for one second, and others for good
``exit-code``         what its containers exit with; 0
``reason``            why they exited, such as ``OOMKilled``; ``Completed`` or ``Error``
``termination-delay`` seconds that they take to end once the pod is deleted, its grace period at most; 0
``cpu``, ``memory``   constant use of the whole pod, as quantities: ``250m``, ``128Mi``
``usage``             use over time instead: ``[[seconds, millicores, bytes], ...]``, see
                      `kubelab.simulated_usage`
===================== =========================================================================

A container that uses more memory than its limit is killed for that, and its pod with it.

An annotation of the node, ``usage.simulated.kubelab.dev/NAMESPACE.NAME``, says instead what pods of a
workload of that name use on that node, written like ``usage``. All of them may change while pods run.

That pods of a Job complete and others go on is also what KWOK's default stages do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.errors import KubelabError
from kubelab.quantities import QuantityError, cpu_millicores, whole
from kubelab.simulated_usage import DeclaredUse, read_use

PREFIX = "simulated.kubelab.dev/"
NODE_PREFIX = f"usage.{PREFIX}"
DEFAULT_RUN_S = 1.0

_POD_TEMPLATE_HASH = "pod-template-hash"


class DeclarationError(KubelabError, ValueError):
    """An annotation of a pod does not say what its node shall simulate."""

    def __init__(self, name: str, value: str, remedy: str) -> None:
        self.name = name
        self.value = value
        super().__init__(f"the annotation {self.name} is {value!r}. {remedy}")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a pod shall do.

    Attributes
    ----------
    run_s : float or None
        How long each run lasts; None for ever.
    usage : DeclaredUse or None
        Use of the whole pod; None where it declares none.
    """

    start_delay_s: float
    run_s: float | None
    exit_code: int
    reason: str
    termination_delay_s: float
    usage: DeclaredUse | None

    @staticmethod
    def of(pod: Object, node: Object | None = None) -> Declaration:
        """Read a pod's annotations, and what its node says of it.

        Raises
        ------
        DeclarationError
            If one of them has no meaning.
        """
        found = pod["metadata"].get("annotations") or {}
        exit_code = _exit_code(found)
        ends = exit_code != 0 or f"{PREFIX}exit-code" in found or _is_of_job(pod)
        return Declaration(
            start_delay_s=_seconds(found, "start-delay") or 0.0,
            run_s=_seconds(found, "run-duration", DEFAULT_RUN_S if ends else None),
            exit_code=exit_code,
            reason=found.get(f"{PREFIX}reason") or ("Error" if exit_code else "Completed"),
            termination_delay_s=_seconds(found, "termination-delay") or 0.0,
            usage=usage_of(pod, node),
        )


def usage_of(pod: Object, node: Object | None = None) -> DeclaredUse | None:
    """Return the use that a pod's node declares of it, or the pod itself; None where neither does.

    What a node declares without meaning is left out; `node_declaration_error` says what it is.

    Raises
    ------
    DeclarationError
        If an annotation of the pod has no meaning.
    """
    for_workload = ((node or {}).get("metadata") or {}).get("annotations") or {}
    if for_workload and (name := NODE_PREFIX + workload_of(pod)) in for_workload:
        with suppress(DeclarationError):
            return read_annotation(name, for_workload[name])
    found = pod["metadata"].get("annotations") or {}
    series = found.get(f"{PREFIX}usage")
    if series is not None:
        return read_annotation(f"{PREFIX}usage", series)
    cpu, memory = found.get(f"{PREFIX}cpu"), found.get(f"{PREFIX}memory")
    if cpu is None and memory is None:
        return None
    return DeclaredUse(((0.0, _amount("cpu", cpu), _amount("memory", memory)),))


def node_declaration_error(node: Object) -> str:
    """Return what is wrong with what a node declares of its pods, "" if nothing is."""
    for name, text in declarations_of(node).items():
        try:
            read_annotation(name, text)
        except DeclarationError as error:
            return str(error)
    return ""


def declarations_of(node: Object) -> dict[str, str]:
    """Return the annotations by which a node declares what its pods use."""
    found = node["metadata"].get("annotations") or {}
    return {name: text for name, text in found.items() if name.startswith(NODE_PREFIX)}


def workload_of(pod: Object) -> str:
    """Return ``NAMESPACE.NAME`` of what a user made to have the pod; of the pod itself if it is bare."""
    meta = pod["metadata"]
    owners = meta.get("ownerReferences") or []
    owner: Object | None = next((each for each in owners if each.get("controller")), None)
    name: str = owner["name"] if owner else meta["name"]
    digest = (meta.get("labels") or {}).get(_POD_TEMPLATE_HASH)
    if owner and owner["kind"] == "ReplicaSet" and digest:
        name = name.removesuffix(f"-{digest}")
    return f"{meta.get('namespace', '')}.{name}"


def _is_of_job(pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner["kind"] == "Job" and owner.get("controller") for owner in owners)


def _seconds(found: Mapping[str, str], name: str, default: float | None = None) -> float | None:
    text = found.get(PREFIX + name)
    if text is None:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise DeclarationError(PREFIX + name, text, 'Write seconds as a number, such as "2.5".')
    return seconds


def _exit_code(found: Mapping[str, str]) -> int:
    text = found.get(f"{PREFIX}exit-code", "0")
    if not (text.isascii() and text.isdigit() and int(text) <= 255):
        raise DeclarationError(PREFIX + "exit-code", text, 'Write a number from 0 to 255, such as "1".')
    return int(text)


def _amount(name: str, text: str | None) -> int:
    try:
        amount = (cpu_millicores if name == "cpu" else whole)(text or 0)
    except QuantityError:
        amount = -1
    if amount < 0:
        raise DeclarationError(
            PREFIX + name, str(text), "Write a quantity, such as 250m of cpu or 128Mi of memory."
        )
    return amount


def read_annotation(name: str, text: str) -> DeclaredUse:
    """Return the use over time that an annotation declares.

    Raises
    ------
    DeclarationError
        If it has no meaning.
    """
    try:
        return read_use(text)
    except ValueError as error:
        remedy = "Write [[seconds, millicores, bytes], ...] in order of time, such as [[0, 250, 1000000]]."
        raise DeclarationError(name, text, remedy) from error
