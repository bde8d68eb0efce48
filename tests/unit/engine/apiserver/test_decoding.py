"""Decoding as Go does it: wrong types, unknown fields, nulls."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.decoding import (
    fits,
    prune,
    strict_decoding_message,
    unknown_fields,
    wrong_type,
)
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.nodes.status import Observation, pod_status

KINDS = Kinds()


def kind(group: str, plural: str) -> Kind:
    found = KINDS.get(group, "v1", plural)
    assert found is not None
    return found


POD = kind("", "pods")


def pod(**container: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "busybox", **container}]},
    }


def test_an_object_that_fits_is_left_as_it_is() -> None:
    obj = pod(resources={"limits": {"cpu": 1, "memory": "1Gi"}}, ports=[{"containerPort": 80}])
    assert fits(POD, obj)
    assert prune(POD, obj) is obj
    assert unknown_fields(POD, obj) == []
    assert wrong_type(POD, obj) == ""


def test_unknown_fields_are_named_with_their_paths_and_dropped() -> None:
    obj = pod(bar=1)
    obj["spec"]["foo"] = {"x": 1}
    unknown = unknown_fields(POD, obj)
    assert unknown == ['unknown field "spec.containers[0].bar"', 'unknown field "spec.foo"']
    assert strict_decoding_message(POD, unknown) == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
        'unknown field "spec.containers[0].bar", unknown field "spec.foo"'
    )
    assert prune(POD, obj) == pod()


def test_nulls_are_absent_fields() -> None:
    obj = pod(env=None)
    obj["metadata"]["creationTimestamp"] = None
    obj["status"] = None
    assert wrong_type(POD, obj) == ""
    assert prune(POD, obj) == pod()


def test_a_null_in_a_map_is_the_zero_of_its_type() -> None:
    obj = pod(resources={"limits": {"cpu": None}})
    obj["metadata"]["labels"] = {"a": None}
    pruned = prune(POD, obj)
    assert pruned["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "0"}}
    assert pruned["metadata"]["labels"] == {"a": ""}


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        (
            {"ports": [{"containerPort": "80"}]},
            ("json: cannot unmarshal string into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32"),
        ),
        (
            {"ports": {}},
            ("json: cannot unmarshal object into Go struct field "
            "Container.spec.containers.ports of type []v1.ContainerPort"),
        ),
        (
            {"ports": [{"containerPort": 1 << 40}]},
            ("json: cannot unmarshal number 1099511627776 into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32"),
        ),
        ({"command": "ls"}, ("json: cannot unmarshal string into Go struct field "
                            "Container.spec.containers.command of type []string")),
        ({"tty": "yes"}, ("json: cannot unmarshal string into Go struct field "
                         "Container.spec.containers.tty of type bool")),
        ({"securityContext": []}, ("json: cannot unmarshal array into Go struct field "
                                  "Container.spec.containers.securityContext of type v1.SecurityContext")),
        (
            {"resources": {"limits": {"cpu": "lots"}}},
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ({"resources": {"limits": {"memory": "1iG"}}}, "unable to parse quantity's suffix"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_gos_message(container: Object, problem: str) -> None:
    assert wrong_type(POD, pod(**container)) == f'Pod in version "v1" cannot be handled as a Pod: {problem}'


def test_a_wrong_time_is_gos_message() -> None:
    obj = pod()
    obj["metadata"]["creationTimestamp"] = "yesterday"
    assert 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00"' in wrong_type(POD, obj)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("aGVsbG8=", ""),
        ("aGVs\nbG8=", ""),
        ("", ""),
        ("he!lo", "illegal base64 data at input byte 2"),
        ("aGVsbG8", "illegal base64 data at input byte 4"),
    ],
)
def test_a_secrets_data_is_base64(data: str, problem: str) -> None:
    found = wrong_type(kind("", "secrets"), {"metadata": {"name": "s"}, "data": {"k": data}})
    assert found.removeprefix('Secret in version "v1" cannot be handled as a Secret: ') == problem


def test_free_form_values_are_kept() -> None:
    revision = kind("apps", "controllerrevisions")
    obj = {"metadata": {"name": "r"}, "revision": 1, "data": {"anything": [None, {"goes": True}]}}
    assert prune(revision, deepcopy(obj)) == obj


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["containers", "volumes", "nodeSelector", "replicas", "affinity", "name", "env", "x"]
)


@given(spec=st.dictionaries(FIELDS, JSON, max_size=4))
def test_a_pruned_object_of_right_types_always_fits(spec: Object) -> None:
    obj: Object = {"metadata": {"name": "p"}, "spec": spec}
    if wrong_type(POD, obj) == "":
        pruned = prune(POD, obj)
        assert unknown_fields(POD, pruned) == []
        assert prune(POD, pruned) == pruned


def test_what_a_node_reports_of_a_pod_fits_and_keeps_the_time_that_go_prints_as_null() -> None:
    seen = Observation("127.1.0.1", "127.0.0.1", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z")
    reported = pod() | {"status": pod_status(pod(), seen)}
    assert reported["status"]["conditions"][0]["lastProbeTime"] is None
    assert fits(POD, reported)
    unfit = reported | {"status": {**reported["status"], "hostIP": None, "other": 1}}
    assert prune(POD, unfit)["status"]["conditions"] == reported["status"]["conditions"]
