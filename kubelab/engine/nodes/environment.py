"""A container's environment, resolved from the pod and from the config maps and secrets it names.

The order and the expansion are those of kubernetes/pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables)
and third_party/forked/golang/expansion (v1.33).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

from kubelab.client import Object
from kubelab.errors import KubelabError
from kubelab.quantities import parse_quantity

_SUBSCRIPT = re.compile(r"^metadata\.(annotations|labels)\['(.+)'\]$")
_REFERENCE = re.compile(r"\$(?:\$|\(([^()]*)\))")


class ConfigurationError(KubelabError):
    """A container's configuration names what does not exist (``CreateContainerConfigError``)."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an environment is made from.

    Attributes
    ----------
    config_maps, secrets : mapping of str to object
        By name, as far as they exist.
    address, host_address : str
        The pod's and the node's.
    allocatable : mapping of str to str
        The node's: what a limit defaults to.
    """

    pod: Object
    address: str
    host_address: str
    allocatable: Mapping[str, str]
    config_maps: Mapping[str, Object] = field(default_factory=dict)
    secrets: Mapping[str, Object] = field(default_factory=dict)


def references(pod: Object) -> tuple[set[str], set[str]]:
    """Return the config maps and secrets that the environments of a pod's containers name."""
    config_maps: set[str] = set()
    secrets: set[str] = set()
    for container in containers_of(pod):
        for entry in container.get("envFrom") or []:
            config_maps.update(_name(entry.get("configMapRef")))
            secrets.update(_name(entry.get("secretRef")))
        for variable in container.get("env") or []:
            source = variable.get("valueFrom") or {}
            config_maps.update(_name(source.get("configMapKeyRef")))
            secrets.update(_name(source.get("secretKeyRef")))
    return config_maps, secrets


def containers_of(pod: Object) -> list[Object]:
    """Return init containers and containers, in the order in which they start."""
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def resolve(container: Object, sources: Sources, defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a container over the image's own.

    Raises
    ------
    ConfigurationError
        If a config map, secret or key that is not optional is missing.
    """
    env = dict(defaults)
    for entry in container.get("envFrom") or []:
        env.update(_from_all(entry, sources))
    for variable in container.get("env") or []:
        if source := variable.get("valueFrom"):
            value = _value_from(source, container, sources)
        else:
            value = expand(str(variable.get("value") or ""), env)
        if value is not None:
            env[variable["name"]] = value
    return env


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace ``$(NAME)``; ``$$`` stands for ``$``, an unknown name stays as it is."""

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "$"
        return env.get(name, match.group(0))

    return _REFERENCE.sub(replaced, text)


def field_value(pod: Object, path: str, address: str = "", host_address: str = "") -> str:
    """Return a ``fieldRef`` of the downward API.

    Raises
    ------
    ConfigurationError
        If the path is not one that the downward API knows.
    """
    meta, spec = pod["metadata"], pod["spec"]
    subscript = _SUBSCRIPT.match(path)
    if subscript:
        return str((meta.get(subscript[1]) or {}).get(subscript[2], ""))
    known: dict[str, Callable[[], Any]] = {
        "metadata.name": lambda: meta["name"],
        "metadata.namespace": lambda: meta["namespace"],
        "metadata.uid": lambda: meta["uid"],
        "metadata.labels": lambda: _listed(meta.get("labels")),
        "metadata.annotations": lambda: _listed(meta.get("annotations")),
        "spec.nodeName": lambda: spec.get("nodeName", ""),
        "spec.serviceAccountName": lambda: spec.get("serviceAccountName", "default"),
        "status.hostIP": lambda: host_address,
        "status.hostIPs": lambda: host_address,
        "status.podIP": lambda: address,
        "status.podIPs": lambda: address,
    }
    if path not in known:
        raise ConfigurationError(f"unsupported fieldPath: {path}")
    return str(known[path]())


def resource_value(pod: Object, container: Object, ref: Object, allocatable: Mapping[str, str]) -> str:
    """Return a ``resourceFieldRef``, in units of its divisor, rounded up."""
    if ref.get("containerName"):
        container = next(
            (other for other in containers_of(pod) if other["name"] == ref["containerName"]), container
        )
    kind, _, resource = ref["resource"].partition(".")
    amounts = (container.get("resources") or {}).get(kind) or {}
    fallback = allocatable.get(resource, "0") if kind == "limits" else "0"
    amount = parse_quantity(amounts.get(resource, fallback))
    divisor = parse_quantity(ref.get("divisor") or "1") or Decimal(1)
    return str(int((amount / divisor).to_integral_value(ROUND_CEILING)))


def resource_variables(pod: Object, container: Object, allocatable: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a container that tell of resources."""
    variables = {each["name"]: (each.get("valueFrom") or {}) for each in container.get("env") or []}
    return {
        name: resource_value(pod, container, source["resourceFieldRef"], allocatable)
        for name, source in variables.items()
        if source.get("resourceFieldRef")
    }


def data_of(obj: Object) -> dict[str, bytes]:
    """Return the contents of a config map or secret."""
    if obj.get("kind") == "Secret":
        return {key: base64.b64decode(value or "") for key, value in (obj.get("data") or {}).items()}
    texts = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return texts | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def _name(reference: Object | None) -> set[str]:
    return {reference["name"]} if reference and reference.get("name") else set()


def _from_all(entry: Object, sources: Sources) -> dict[str, str]:
    kind = "configMapRef" if entry.get("configMapRef") else "secretRef"
    reference = entry.get(kind) or {}
    found = _named(kind, reference, sources)
    if found is None:
        return {}
    prefix = entry.get("prefix") or ""
    return {prefix + key: value.decode(errors="replace") for key, value in data_of(found).items()}


def _value_from(source: Object, container: Object, sources: Sources) -> str | None:
    if ref := source.get("fieldRef"):
        return field_value(sources.pod, ref["fieldPath"], sources.address, sources.host_address)
    if ref := source.get("resourceFieldRef"):
        return resource_value(sources.pod, container, ref, sources.allocatable)
    kind = "configMapKeyRef" if source.get("configMapKeyRef") else "secretKeyRef"
    ref = source.get(kind) or {}
    found = _named(kind, ref, sources)
    data = data_of(found) if found else {}
    if ref.get("key") in data:
        return data[ref["key"]].decode(errors="replace")
    if ref.get("optional"):
        return None
    owner = "ConfigMap" if kind.startswith("configMap") else "Secret"
    namespace = sources.pod["metadata"]["namespace"]
    raise ConfigurationError(f"couldn't find key {ref.get('key')} in {owner} {namespace}/{ref.get('name')}")


def _named(kind: str, reference: Object, sources: Sources) -> Object | None:
    is_map = kind.startswith("configMap")
    found = (sources.config_maps if is_map else sources.secrets).get(reference.get("name", ""))
    if found is None and not reference.get("optional"):
        raise ConfigurationError(f'{"configmap" if is_map else "secret"} "{reference.get("name")}" not found')
    return found


def _listed(values: Mapping[str, str] | None) -> str:
    """Format labels or annotations as a downward API file has them."""
    return "\n".join(f'{key}="{_quoted(value)}"' for key, value in sorted((values or {}).items()))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
