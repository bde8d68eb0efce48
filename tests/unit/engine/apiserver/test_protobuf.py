"""Protobuf bodies become the objects that JSON bodies would be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.protobuf import decode
from kubelab.engine.apiserver.schemas import definition_schema
from kubelab.errors import ApiError

Value = int | str | bytes


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def message(*fields: tuple[int, Value]) -> bytes:
    """Encode fields by their numbers: integers as varints, the rest with their length."""
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            encoded += varint(number << 3 | 2) + varint(len(data)) + data
    return encoded


def body(version: str, kind: str, *fields: tuple[int, Value]) -> bytes:
    """Encode an object as kubectl sends it, in the envelope ``runtime.Unknown``."""
    type_meta = message((1, version), (2, kind))
    return b"k8s\x00" + message((1, type_meta), (2, message(*fields)), (3, ""), (4, ""))


EMPTY_METADATA = message((1, "it"), (2, ""), (3, ""), (4, ""), (5, ""), (6, ""), (7, 0), (8, b""))


def test_a_config_map() -> None:
    metadata = message((1, "c"), (11, message((1, "app"), (2, "web"))), (14, "x/hold"))
    data = [(2, message((1, key), (2, value))) for key, value in (("a", "1"), ("b", ""))]
    binary = (3, message((1, "raw"), (2, b"\x00\xff")))
    assert decode(body("v1", "ConfigMap", (1, metadata), *data, binary)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": {"app": "web"}, "finalizers": ["x/hold"]},
        "data": {"a": "1", "b": ""},
        "binaryData": {"raw": "AP8="},
    }


def test_zero_values_that_go_leaves_out_of_json_are_left_out() -> None:
    assert decode(body("v1", "ConfigMap", (1, EMPTY_METADATA)))["metadata"] == {"name": "it"}


def test_zero_values_behind_pointers_stay() -> None:
    replicas, min_ready_seconds, paused = (1, 0), (5, 0), (7, 0)  # only the first is a pointer
    spec = message(replicas, min_ready_seconds, paused)
    assert decode(body("apps/v1", "Deployment", (1, EMPTY_METADATA), (2, spec)))["spec"] == {"replicas": 0}


def test_embedded_messages_quantities_and_int_or_strings() -> None:
    empty_dir = message((2, message((1, "Memory"), (2, message((1, "1Gi"))))))
    volume = message((1, "scratch"), (2, empty_dir))
    http = message(
        (2, message((1, "/ready"), (2, message((1, 1), (2, 0), (3, "web"))), (3, ""), (4, "HTTP")))
    )
    probe = message((1, http), (2, 5))
    limit = message((1, "cpu"), (2, message((1, "500m"))))
    container = message((1, "main"), (2, "busybox"), (3, "sh"), (8, message((1, limit))), (11, probe))
    decoded = decode(body("v1", "Pod", (1, EMPTY_METADATA), (2, message((1, volume), (2, container)))))
    assert decoded["spec"] == {
        "volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
        "containers": [
            {
                "name": "main",
                "image": "busybox",
                "command": ["sh"],
                "resources": {"limits": {"cpu": "500m"}},
                "readinessProbe": {
                    "httpGet": {"path": "/ready", "port": "web", "scheme": "HTTP"},
                    "initialDelaySeconds": 5,
                },
            }
        ],
    }


def test_times_have_their_precision() -> None:
    second = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())
    micro = message((1, second), (2, 5_000))
    decoded = decode(body("coordination.k8s.io/v1", "Lease", (1, EMPTY_METADATA), (2, message((4, micro)))))
    assert decoded["spec"] == {"renewTime": "2026-01-31T12:00:00.000005Z"}


def test_negative_numbers() -> None:
    decoded = decode(body("scheduling.k8s.io/v1", "PriorityClass", (1, EMPTY_METADATA), (2, -7)))
    assert decoded["value"] == -7


def test_options_are_known_in_every_group() -> None:
    options = decode(body("policy/v1", "DeleteOptions", (1, 0), (4, "Background")))
    assert (options["gracePeriodSeconds"], options["propagationPolicy"]) == (0, "Background")
    assert decode(body("policy/v1", "Eviction", (1, EMPTY_METADATA)))["metadata"] == {"name": "it"}


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert decode(body("v1", "ConfigMap", (1, EMPTY_METADATA), (99, "new"), (98, 1))) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "it"},
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"kind":"Pod"}',
        b"k8s\x00\x0a",
        b"k8s\x00\x0f",
        body("v1", "Nonsense"),
        body("v1", "ConfigMap", (1, 3)),
        body("v1", "ConfigMap", (1, b"\x0a\xff")),
        body("v1", "ConfigMap", (1, message((1, b"\xff\xfe")))),
    ],
)
def test_what_cannot_be_decoded_is_a_bad_request(data: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        decode(data)
    assert refused.value.code == 400


@given(st.binary(max_size=60))
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    try:
        decode(b"k8s\x00" + message((1, message((1, "v1"), (2, "Pod"))), (2, data)))
    except ApiError as refused:
        assert refused.code == 400


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_maps_come_back_as_they_were(data: dict[str, str]) -> None:
    entries = [(2, message((1, key), (2, value))) for key, value in data.items()]
    decoded: Object = decode(body("v1", "ConfigMap", *entries))
    assert decoded.get("data", {}) == data


def test_every_field_with_a_number_is_in_the_schemas() -> None:
    from kubelab.engine.apiserver.protobuf import _field_names

    fields = _field_names()
    embedded = {field.name for by_number in fields.values() for field in by_number.values() if field.embedded}
    unknown = [
        f"{name}.{field.name}"
        for name, by_number in fields.items()
        if name not in embedded
        for field in by_number.values()
        if not field.embedded and definition_schema(name).child(field.name) is None
    ]
    assert unknown == []
