"""The messages of ``grpcplugin.Expander``, and as much of ``v1.Pod`` and ``v1.Node`` as an expander reads.

Source: ``expander/grpcplugin/protos/expander.proto`` of Cluster Autoscaler; fields 2 and 4 are of those up to
1.34.1, fields 3 and 5 of those since 1.34.2 (#8660). A message and its bytes look the same on the wire, so
both are declared as bytes, and one description serves every version. Field numbers of ``k8s.io/api/core/v1``
and ``apimachinery`` are those of Kubernetes' ``generated.proto``.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "grpcplugin"
SERVICE = f"{PACKAGE}.Expander"
METHOD = "BestOptions"

_MESSAGES: dict[str, dict[str, int]] = {
    "BestOptionsRequest": {
        "options: Option[]": 1,
        "nodeMap: map<bytes>": 2,
        "nodeBytesMap: map<bytes>": 3,
    },
    "BestOptionsResponse": {"options: Option[]": 1},
    "Option": {
        "nodeGroupId: string": 1,
        "nodeCount: int32": 2,
        "debug: string": 3,
        "pod: bytes[]": 4,
        "podBytes: bytes[]": 5,
    },
    "ObjectMeta": {"name: string": 1, "namespace: string": 3, "uid: string": 5, "labels: map<string>": 11},
    "Quantity": {"string: string": 1},
    "Pod": {"metadata: ObjectMeta": 1, "spec: PodSpec": 2},
    "PodSpec": {
        "containers: Container[]": 2,
        "initContainers: Container[]": 20,
        "priority: int32": 25,
        "overhead: map<Quantity>": 32,
        "resources: ResourceRequirements": 40,
    },
    "Container": {"name: string": 1, "resources: ResourceRequirements": 8, "restartPolicy: string": 24},
    "ResourceRequirements": {"limits: map<Quantity>": 1, "requests: map<Quantity>": 2},
    "Node": {"metadata: ObjectMeta": 1, "spec: NodeSpec": 2, "status: NodeStatus": 3},
    "NodeSpec": {"taints: Taint[]": 5},
    "Taint": {"key: string": 1, "value: string": 2, "effect: string": 3},
    "NodeStatus": {"capacity: map<Quantity>": 1, "allocatable: map<Quantity>": 2},
}
_SCALARS = {"string": 9, "int32": 5, "bytes": 12}
_REPEATED, _OPTIONAL, _MESSAGE = 3, 1, 11


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="expander.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for field, number in fields.items():
            _add(described, field, number)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _add(message: Any, declared: str, number: int) -> None:
    name, kind = declared.split(": ")
    if kind.startswith("map<"):
        entry = message.nested_type.add(name=f"{name[0].upper()}{name[1:]}Entry")
        entry.options.map_entry = True
        _add(entry, "key: string", 1)
        _add(entry, f"value: {kind.removeprefix('map<').removesuffix('>')}", 2)
        kind = f"{message.name}.{entry.name}[]"
    field = message.field.add(name=name, number=number, label=_REPEATED if "[]" in kind else _OPTIONAL)
    kind = kind.removesuffix("[]")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _MESSAGE, f".{PACKAGE}.{kind}"


MESSAGES = _classes()
"""Class by name."""
