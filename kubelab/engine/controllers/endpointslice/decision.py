"""Which EndpointSlices a Service needs: at most a hundred endpoints each, and as few writes as possible.

Upstream: ``k8s.io/endpointslice`` of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from kubelab.client import ENDPOINT_SLICES, SERVICES, Object
from kubelab.engine.controllers.addresses import (
    HEADLESS,
    has_address,
    hostname_of,
    target_of,
    target_port,
)
from kubelab.engine.controllers.owners import owner_reference
from kubelab.engine.controllers.pods import is_deleting, is_ready
from kubelab.informer import key_of

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
MOST_ENDPOINTS = 100
_RESERVED = frozenset({SERVICE_NAME, MANAGED_BY, HEADLESS})


@dataclass(frozen=True, slots=True)
class SliceChanges:
    """Slices to create, to replace with what is given, and to delete."""

    create: tuple[Object, ...]
    update: tuple[Object, ...]
    delete: tuple[Object, ...]


def decide(
    service: Object,
    pods: Sequence[Object],
    slices: Sequence[Object],
    zones: Mapping[str, str],
    most: int = MOST_ENDPOINTS,
) -> SliceChanges:
    """Compare a Service's slices with its pods.

    Pods whose named ports have different numbers are in different slices. A slice that has room and
    changes anyway is filled first, then the fullest that takes all the rest.

    Parameters
    ----------
    zones : mapping of str to str
        The zone of each node that is in one.
    """
    wanted = _by_ports(service, pods, zones)
    labels = labels_of(service)
    groups: dict[bytes, list[Object]] = {}
    for each in slices:
        groups.setdefault(_key(each.get("ports") or []), []).append(each)
    create: list[Object] = []
    update: list[Object] = []
    delete = [each for key, group in groups.items() if key not in wanted for each in group]
    for key, (ports, endpoints) in wanted.items():
        kept, rest = _matched(groups.get(key, []), endpoints)
        changed = {name for name, (old, left) in kept.items() if left != (old.get("endpoints") or [])}
        _fill(kept, changed, rest, most)
        for name, (old, left) in kept.items():
            if not left:
                delete.append(old)
            elif name in changed or (old["metadata"].get("labels") or {}) != labels:
                update.append({**old, "metadata": {**old["metadata"], "labels": labels}, "endpoints": left})
        create += [_build(service, ports, rest[at : at + most]) for at in range(0, len(rest), most)]
    if not create and len(delete) == len(slices):
        return _placeholder(service, delete, labels)
    return SliceChanges(tuple(create), tuple(update), tuple(delete))


def labels_of(service: Object) -> dict[str, str]:
    """Return the labels of a Service's slices."""
    meta = service["metadata"]
    own = {key: value for key, value in (meta.get("labels") or {}).items() if key not in _RESERVED}
    headless = {HEADLESS: ""} if service["spec"].get("clusterIP") in (None, "", "None") else {}
    return {**own, **headless, SERVICE_NAME: meta["name"], MANAGED_BY: MANAGER}


def endpoint_of(service: Object, pod: Object, zones: Mapping[str, str]) -> Object:
    """Return what a slice says of a pod."""
    serving, node = is_ready(pod), pod["spec"].get("nodeName")
    everyone = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": everyone or (serving and not is_deleting(pod)),
            "serving": serving,
            "terminating": is_deleting(pod),
        },
        "targetRef": target_of(pod),
    }
    given = {"hostname": hostname_of(service, pod), "nodeName": node, "zone": zones.get(node or "")}
    return {**endpoint, **{key: value for key, value in given.items() if value}}


def _by_ports(
    service: Object, pods: Sequence[Object], zones: Mapping[str, str]
) -> dict[bytes, tuple[list[Object], dict[str, Object]]]:
    """Return ports and endpoints by the pod's uid, for each set of port numbers."""
    found: dict[bytes, tuple[list[Object], dict[str, Object]]] = {}
    for pod in sorted(pods, key=key_of):
        if has_address(pod):
            ports = _ports(service, pod)
            _, endpoints = found.setdefault(_key(ports), (ports, {}))
            endpoints[pod["metadata"]["uid"]] = endpoint_of(service, pod, zones)
    return found


def _matched(
    slices: Sequence[Object], endpoints: Mapping[str, Object]
) -> tuple[dict[str, tuple[Object, list[Object]]], list[Object]]:
    """Return each slice with those of its endpoints that stay, as they are now, and what is in none."""
    rest, kept = dict(endpoints), {}
    for each in slices:
        uids = [(old.get("targetRef") or {}).get("uid") for old in each.get("endpoints") or ()]
        left = [rest.pop(uid) for uid in uids if uid in rest]
        kept[each["metadata"]["name"]] = (each, left)
    return kept, list(rest.values())


def _fill(
    kept: Mapping[str, tuple[Object, list[Object]]], changed: set[str], rest: list[Object], most: int
) -> None:
    """Put new endpoints, in place, into slices with room, so that few slices are written."""
    for name in sorted(changed):
        _, left = kept[name]
        room = max(0, most - len(left))
        left += rest[:room]
        del rest[:room]
    overflow = len(rest) % most
    roomy = [
        (len(left), name)
        for name, (_, left) in kept.items()
        if overflow and name not in changed and len(left) + overflow <= most
    ]
    if roomy:
        _, name = max(roomy)
        kept[name][1].extend(rest[-overflow:])
        del rest[-overflow:]
        changed.add(name)


def _placeholder(service: Object, delete: Sequence[Object], labels: Mapping[str, str]) -> SliceChanges:
    """Keep one slice where there is no endpoint: it says that there is none."""
    if not delete:
        return SliceChanges((_build(service, [], []),), (), ())
    first, *others = delete
    emptied = {
        **first,
        "metadata": {**first["metadata"], "labels": dict(labels)},
        "endpoints": [],
        "ports": [],
    }
    same = not first.get("endpoints") and not first.get("ports") and first["metadata"].get("labels") == labels
    return SliceChanges((), () if same else (emptied,), tuple(others))


def _build(service: Object, ports: Sequence[Object], endpoints: Sequence[Object]) -> Object:
    meta = service["metadata"]
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels_of(service),
            "ownerReferences": [owner_reference(service, SERVICES)],
        },
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": list(ports),
    }


def _ports(service: Object, pod: Object) -> list[Object]:
    ports = []
    for port in service["spec"].get("ports") or ():
        number = target_port(port, [pod])
        if number is not None:
            given = {"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}
            protocol = port.get("protocol") or "TCP"
            ports.append({"name": port.get("name") or "", "port": number, "protocol": protocol, **given})
    return ports


def _key(ports: Sequence[Object]) -> bytes:
    return orjson.dumps(sorted(ports, key=lambda port: port.get("name", "")), option=orjson.OPT_SORT_KEYS)
