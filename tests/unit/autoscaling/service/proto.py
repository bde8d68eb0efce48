"""Encodes and decodes messages from the text of a proto alone, without protobuf and without kubelab."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_VARINT, _BYTES = 0, 2

OLD = """
message BestOptionsRequest { repeated Option options = 1; map<string, Node> nodeMap = 2; }
message BestOptionsResponse { repeated Option options = 1; }
message Option {
  string nodeGroupId = 1; int32 nodeCount = 2; string debug = 3; repeated Pod pod = 4;
}
"""
"""``expander.proto`` of Cluster Autoscaler up to 1.34.1."""

NEW = """
message BestOptionsRequest {
  repeated Option options = 1; map<string, Node> nodeMap = 2; map<string, bytes> nodeBytesMap = 3;
}
message BestOptionsResponse { repeated Option options = 1; }
message Option {
  string nodeGroupId = 1; int32 nodeCount = 2; string debug = 3; repeated Pod pod = 4;
  repeated bytes podBytes = 5;
}
"""
"""``expander.proto`` of Cluster Autoscaler since 1.34.2."""

CORE = """
message Pod { ObjectMeta metadata = 1; PodSpec spec = 2; PodStatus status = 3; }
message PodStatus { string phase = 1; }
message PodSpec {
  repeated Container containers = 2; string restartPolicy = 3; map<string, string> nodeSelector = 7;
  string schedulerName = 19; repeated Container initContainers = 20; int32 priority = 25;
  map<string, Quantity> overhead = 32; ResourceRequirements resources = 40;
}
message Container {
  string name = 1; string image = 2; ResourceRequirements resources = 8; string restartPolicy = 24;
}
message ResourceRequirements { map<string, Quantity> limits = 1; map<string, Quantity> requests = 2; }
message Quantity { string string = 1; }
message ObjectMeta { string name = 1; string namespace = 3; string uid = 5; map<string, string> labels = 11; }
message Node { ObjectMeta metadata = 1; NodeSpec spec = 2; NodeStatus status = 3; }
message NodeSpec { string providerID = 3; bool unschedulable = 4; repeated Taint taints = 5; }
message Taint { string key = 1; string value = 2; string effect = 3; }
message NodeStatus { map<string, Quantity> capacity = 1; map<string, Quantity> allocatable = 2; }
"""
"""As much of ``k8s.io/api/core/v1`` as the tests send; more than an expander reads."""

_FIELD = re.compile(r"(repeated\s+)?(map<string,\s*(\w+)>|\w+)\s+(\w+)\s*=\s*(\d+);")


@dataclass(frozen=True)
class Field:
    number: int
    kind: str
    repeated: bool
    map: bool


class Proto:
    """The messages of some proto texts."""

    def __init__(self, *texts: str) -> None:
        self.messages = {
            name: {
                each[4]: Field(int(each[5]), each[3] or each[2], bool(each[1]), bool(each[3]))
                for each in _FIELD.finditer(body)
            }
            for text in texts
            for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.DOTALL)
        }

    def encode(self, message: str, value: Mapping[str, Any]) -> bytes:
        return b"".join(
            self._encode(self.messages[message][name], one)
            for name, given in value.items()
            for one in self._each(self.messages[message][name], given)
        )

    def _each(self, field: Field, given: Any) -> Sequence[Any]:
        if field.map:
            return list(given.items())
        return given if field.repeated else [given]

    def _encode(self, field: Field, value: Any) -> bytes:
        if field.map:
            key, held = value
            entry = self._encode(Field(1, "string", False, False), key)
            entry += self._encode(Field(2, field.kind, False, False), held)
            return _tag(field.number, _BYTES) + _sized(entry)
        if field.kind in {"int32", "bool"}:
            return _tag(field.number, _VARINT) + _varint(int(value))
        if isinstance(value, str):
            value = value.encode()
        elif not isinstance(value, bytes):
            value = self.encode(field.kind, value)
        return _tag(field.number, _BYTES) + _sized(value)

    def decode(self, message: str, data: bytes) -> dict[str, Any]:
        by_number = {field.number: (name, field) for name, field in self.messages[message].items()}
        found: dict[str, Any] = {name: [] for name, field in by_number.values() if field.repeated}
        for number, raw in _fields(data):
            name, field = by_number[number]
            value: Any = raw
            if isinstance(raw, bytes) and field.kind == "string":
                value = raw.decode()
            elif isinstance(raw, bytes) and field.kind != "bytes":
                value = self.decode(field.kind, raw)
            if field.repeated:
                found[name].append(value)
            else:
                found[name] = value
        return found


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        number, wire = divmod(varint(), 8)
        if wire == _VARINT:
            yield number, varint()
        else:
            length = varint()
            yield number, data[at : at + length]
            at += length
