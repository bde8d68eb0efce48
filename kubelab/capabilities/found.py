"""From what an API server answered to what its cluster has: no request is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from html import escape
from typing import Literal

from kubelab.capabilities.parts import PARTS, Part
from kubelab.client import DEPLOYMENTS, Object
from kubelab.errors import ApiError, NotFoundError

Answers = Mapping[str, Object | ApiError]
"""What the API server said at each path: a document, or why there is none."""

VERSION = "/version"
GROUPS = "/apis"
CONTROLLERS = DEPLOYMENTS.path()
_TAG = re.compile(r"v?\d[\w.-]*")
_WORDS = {"found": "yes", "missing": "no", "not known": "not known"}


@dataclass(frozen=True, slots=True)
class Capability:
    """One part of a cluster: whether it is there, and in which version.

    Attributes
    ----------
    name : str
        Such as ``Kubeflow Trainer``.
    state : {"found", "missing", "not known"}
        It is not known where the user may not look, or the cluster did not answer.
    version : str
        Of the software, empty where it is not known.
    api : str
        The API version to use, such as ``trainer.kubeflow.org/v1alpha1``; empty where it has none.
    note : str
        How to install what is missing; why it is not known.
    """

    name: str
    state: Literal["found", "missing", "not known"]
    version: str = ""
    api: str = ""
    note: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.version, f"({self.api})" if self.api else "")))


@dataclass(frozen=True, slots=True, repr=False)
class Capabilities:
    """What a cluster has, part by part."""

    kubernetes: Capability
    trainer: Capability
    jobset: Capability
    katib: Capability
    training_operator: Capability
    cluster_autoscaler: Capability
    vpa: Capability
    metrics: Capability
    prometheus: Capability

    def __iter__(self) -> Iterator[Capability]:
        return (getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        by_state = {
            state: ", ".join(str(each) for each in self if each.state == state) or "nothing"
            for state in _WORDS
        }
        return f"<Capabilities {'; '.join(f'{state}: {names}' for state, names in by_state.items())}>"

    def _repr_html_(self) -> str:
        header = "".join(f"<th>{title}</th>" for title in ("Part", "Found", "Version", "API", "Note"))
        rows = (
            "".join(f"<td>{escape(text)}</td>" for text in (each.name, _WORDS[each.state], *_details(each)))
            for each in self
        )
        return f"<table><tr>{header}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def capabilities_of(answers: Answers) -> Capabilities:
    """Return what a cluster has, by what its API server answered to the reader.

    Parameters
    ----------
    answers : mapping
        From path to document, or to the error in its stead. A path that was not asked is one that the
        cluster does not have.
    """
    return Capabilities(kubernetes=_kubernetes(answers), **{key: _part(answers, PARTS[key]) for key in PARTS})


def paths_of_kinds(groups: Object | ApiError) -> list[str]:
    """Return where the parts' kinds are listed, by the document at ``/apis``."""
    wanted = {part.group for part in PARTS.values()}
    return [f"{GROUPS}/{version}" for group in sorted(wanted) for version in _versions(groups, group)]


def _details(capability: Capability) -> tuple[str, str, str]:
    return capability.version, capability.api, capability.note


def _kubernetes(answers: Answers) -> Capability:
    answer = answers[VERSION]
    if isinstance(answer, ApiError):
        return Capability("Kubernetes", "not known", note=_why(answer))
    return Capability("Kubernetes", "found", answer.get("gitVersion", ""))


def _part(answers: Answers, part: Part) -> Capability:
    """Return the part as its kind or its objects show it: what is found wins over what is not known."""
    looks = [look for look in (_by_kind(answers, part), _by_objects(answers, part)) if look]
    for state in ("found", "not known"):
        for look in looks:
            if look.state == state:
                return look
    return Capability(part.name, "missing", note=part.install)


def _by_kind(answers: Answers, part: Part) -> Capability | None:
    if not part.kind:
        return None
    groups = answers[GROUPS]
    if isinstance(groups, ApiError):
        return Capability(part.name, "not known", note=_why(groups))
    unknown = None
    for version in _versions(groups, part.group):
        answer = answers.get(f"{GROUPS}/{version}", {})
        if isinstance(answer, ApiError):
            unknown = unknown or _unless_absent(part, answer)
        elif any(each.get("kind") == part.kind for each in answer.get("resources") or []):
            return Capability(part.name, "found", _version(answers, part), version)
    return unknown


def _by_objects(answers: Answers, part: Part) -> Capability | None:
    if not part.objects:
        return None
    answer = answers.get(part.objects, {})
    if isinstance(answer, ApiError):
        return _unless_absent(part, answer)
    items = answer.get("items", [answer] if answer else [])
    if not items:
        return None
    return Capability(part.name, "found", _version(answers, part) or _label(items[0]))


def _unless_absent(part: Part, error: ApiError) -> Capability | None:
    if isinstance(error, NotFoundError):
        return None
    return Capability(part.name, "not known", note=_why(error))


def _why(error: ApiError) -> str:
    if error.code in (401, 403):
        return f"you may not look: {error.message}"
    return f"the API server answered {error.code}: {error.message}"


def _versions(groups: Object | ApiError, group: str) -> list[str]:
    """Return a group's versions as ``group/version``, the cluster's preferred one first."""
    if isinstance(groups, ApiError):
        return []
    for each in groups.get("groups") or []:
        if each.get("name") == group:
            preferred = (each.get("preferredVersion") or {}).get("groupVersion")
            versions = [version["groupVersion"] for version in each.get("versions") or []]
            return sorted(versions, key=lambda version: version != preferred)
    return []


def _version(answers: Answers, part: Part) -> str:
    """Return the tag of the controller's image; empty where it is not found or may not be seen."""
    deployments = answers.get(CONTROLLERS, {})
    if isinstance(deployments, ApiError):
        return ""
    for deployment in deployments.get("items") or []:
        for container in deployment["spec"]["template"]["spec"].get("containers") or []:
            image, _, tag = container.get("image", "").partition("@")[0].rpartition("/")[2].partition(":")
            if image == part.image and _TAG.fullmatch(tag):
                return str(tag)
    return ""


def _label(obj: Object) -> str:
    return str((obj["metadata"].get("labels") or {}).get("app.kubernetes.io/version", ""))
