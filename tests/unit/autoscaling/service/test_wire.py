"""The service as a client built from the proto's text alone sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from kubelab.autoscaling.service.server import ExpanderServer
from tests.unit.autoscaling.service.certificates import Files, self_signed
from tests.unit.autoscaling.service.proto import CORE, NEW, OLD, Proto

PRICES = {"eight": 0.4, "sixteen": 0.9}
GENERATIONS = {"old": Proto(OLD, CORE), "new": Proto(NEW, CORE)}
Call = Callable[[bytes], bytes]
Serve = Callable[..., ExpanderServer]


def pod(name: str, cpu: str = "6", **spec: Any) -> dict[str, Any]:
    requests = {"cpu": {"string": cpu}, "memory": {"string": "8Gi"}}
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "main", "image": "web:1", "resources": {"requests": requests}}],
            "schedulerName": "default-scheduler",
            **spec,
        },
        "status": {"phase": "Pending"},
    }


def node(type_: str, cpu: str, memory: str) -> dict[str, Any]:
    amounts = {"cpu": {"string": cpu}, "memory": {"string": memory}, "pods": {"string": "110"}}
    return {
        "metadata": {"name": f"template-{type_}", "labels": {"node.kubernetes.io/instance-type": type_}},
        "spec": {"taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]},
        "status": {"capacity": amounts, "allocatable": amounts},
    }


NODES = {"small": node("eight", "8", "32Gi"), "large": node("sixteen", "16", "64Gi")}


def request(generation: str, pods: list[dict[str, Any]], nodes: Mapping[str, Any] = NODES) -> bytes:
    """Return what that generation of Cluster Autoscaler sends: one node of each group takes all pods."""
    proto = GENERATIONS[generation]
    if generation == "old":
        options = [{"nodeGroupId": name, "nodeCount": 1, "debug": "d", "pod": pods} for name in NODES]
        return proto.encode("BestOptionsRequest", {"options": options, "nodeMap": nodes})
    data = [proto.encode("Pod", each) for each in pods]
    options = [{"nodeGroupId": name, "nodeCount": 1, "debug": "d", "podBytes": data} for name in NODES]
    encoded = {name: proto.encode("Node", each) for name, each in nodes.items()}
    return proto.encode("BestOptionsRequest", {"options": options, "nodeBytesMap": encoded})


def groups(answer: bytes) -> list[str]:
    read = GENERATIONS["new"].decode("BestOptionsResponse", answer)
    return [each["nodeGroupId"] for each in read["options"]]


@contextmanager
def caller(server: ExpanderServer, root: str, host: str = "127.0.0.1") -> Iterator[Call]:
    with grpc.secure_channel(f"{host}:{server.port}", grpc.ssl_channel_credentials(root.encode())) as channel:
        method = channel.unary_unary("/grpcplugin.Expander/BestOptions")
        yield lambda data: method(data, timeout=20)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_both_generations_of_fields_are_understood(serve: Serve, tls: Files, generation: str) -> None:
    with caller(serve(prices=PRICES), tls.pem) as call:
        assert groups(call(request(generation, [pod("a")]))) == ["small"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_cheapest_for_what_pods_ask_for_is_named(serve: Serve, tls: Files, generation: str) -> None:
    """An init container asks for 15 cores while the main one asks for 6: the 16-core node is no waste."""
    big = {"cpu": {"string": "15"}}
    init = [{"name": "load", "resources": {"requests": big}}]
    wide = {**NODES, "small": node("eight", "96", "32Gi")}
    with caller(serve("least-waste"), tls.pem) as call:
        assert groups(call(request(generation, [pod("a")]))) == ["small"]
        assert groups(call(request(generation, [pod("a", initContainers=init)], wide))) == ["large"]


def test_without_prices_and_scores_every_option_is_echoed(serve: Serve, tls: Files) -> None:
    server = serve()
    with caller(server, tls.pem) as call:
        assert groups(call(request("new", [pod("a")]))) == ["small", "large"]
        assert groups(call(b"")) == []
    assert 'answers_total{outcome="abstained"} 1' in server.counters.text()


def test_template_without_a_known_type_is_not_guessed_at(serve: Serve, tls: Files) -> None:
    with caller(serve(prices={"eight": 9.0}), tls.pem) as call:
        assert groups(call(request("new", [pod("a")]))) == ["small"]
        assert groups(call(request("new", [pod("a")], {}))) == ["small", "large"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xff\xff\xff", "the request cannot be read"),
        (request("new", [pod("a")])[:-3], "the request cannot be read"),
        (request("new", [pod("a", cpu="six")]), "the node group 'small' (shop/a) cannot be read: 'six'"),
        (request("old", [pod("a")], {"small": node("eight", "8x", "1")}), "the template node of the node"),
        (
            GENERATIONS["new"].encode("BestOptionsRequest", {"options": [{"podBytes": [b"\x0a\xff"]}]}),
            "a pod of the node group '' cannot be read",
        ),
    ],
)
def test_malformed_request_is_refused_and_the_service_lives(
    serve: Serve, tls: Files, data: bytes, says: str
) -> None:
    server = serve(prices=PRICES)
    with caller(server, tls.pem) as call:
        with pytest.raises(grpc.RpcError) as caught:
            call(data)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert says in caught.value.details()
        assert groups(call(request("new", [pod("a")]))) == ["small"]
    assert 'answers_total{outcome="invalid"} 1' in server.counters.text()


def test_request_larger_than_grpcs_default_is_taken(serve: Serve, tls: Files) -> None:
    many = [pod(f"pod-{at}", cpu="1m", nodeSelector={"note": "x" * 1000}) for at in range(4000)]
    data = request("new", many)
    assert len(data) > 2 * 4 * 1024 * 1024
    with caller(serve(prices=PRICES), tls.pem) as call:
        assert groups(call(data)) == ["small"]


def refusal(server: ExpanderServer, root: str) -> str:
    with caller(server, root) as call, pytest.raises(grpc.RpcError) as caught:
        call(b"")
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    return str(caught.value.details())


def test_service_is_not_trusted_by_another_root(serve: Serve, tmp_path: Path) -> None:
    elsewhere = self_signed(tmp_path, "127.0.0.1")
    assert "CERTIFICATE_VERIFY_FAILED: self signed certificate" in refusal(serve(), elsewhere.pem)


def test_service_is_not_trusted_under_another_name(serve: Serve, tls: Files, tmp_path: Path) -> None:
    elsewhere = self_signed(tmp_path, "expander.example")
    assert "Hostname Verification Check failed" in refusal(serve(files=elsewhere), elsewhere.pem)
    with caller(serve(prices=PRICES), tls.pem, "localhost") as call:
        assert groups(call(request("new", [pod("a")]))) == ["small"]


def test_service_with_an_expired_certificate_is_not_trusted(serve: Serve, tmp_path: Path) -> None:
    old = self_signed(tmp_path, "127.0.0.1", valid=(timedelta(days=-9), timedelta(days=-2)))
    assert "certificate has expired" in refusal(serve(files=old, clock_ahead=timedelta(days=-5)), old.pem)


def test_renewed_certificate_is_shown_to_new_connections(serve: Serve, tmp_path: Path) -> None:
    files = self_signed(tmp_path, "127.0.0.1")
    server = serve(prices=PRICES, files=files)
    with caller(server, files.pem) as call:
        assert groups(call(request("new", [pod("a")]))) == ["small"]
    self_signed(tmp_path, "127.0.0.1")
    with caller(server, files.pem) as call:
        assert groups(call(request("new", [pod("a")]))) == ["small"]
