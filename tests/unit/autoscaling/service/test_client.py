"""Our own autoscaler's way to a service: the expander ``grpc`` over the same wire."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event

import grpc

from kubelab.autoscaling.choice import Choice, Situation
from kubelab.autoscaling.expanders import expander
from kubelab.autoscaling.option import Option
from kubelab.autoscaling.service.client import ExpanderClient
from kubelab.autoscaling.service.server import ExpanderServer
from kubelab.autoscaling.service.wire import read_request, write_request
from kubelab.scheduling.selectors import Taint
from tests.unit.autoscaling.options import PriceList, option, pods, template
from tests.unit.autoscaling.service.certificates import Files, self_signed
from tests.unit.autoscaling.service.proto import NEW, Proto

Serve = Callable[..., ExpanderServer]
OPTIONS = [
    option("small", template(8, 32, "eight"), pods(1, 6, 8)),
    option("large", template(16, 64, "sixteen"), pods(1, 6, 8)),
]


def choose(url: str, root: str, names: str = "grpc,most-pods,least-waste", timeout_s: float = 20.0) -> Choice:
    with ExpanderClient(url, root, timeout_s=timeout_s) as client:
        chain = expander(names, random=Random(0), prices=PriceList(), remote=client)
        return chain.choose(OPTIONS, Situation())


def kept(choice: Choice) -> list[str]:
    return [each.node_group for each in choice.kept]


def test_options_survive_the_wire() -> None:
    kind = template(8, 32, "eight", reserved=0.08, gpus=2)
    kind = type(kind)(kind.capacity, kind.allocatable, kind.labels, (Taint("gpu", "yes", "NoSchedule"),))
    sent = [Option("small", 3, pods(2, 1.5, 4), kind, debug="why"), OPTIONS[1]]
    assert read_request(write_request(sent)) == sent


def test_service_is_asked_over_tls_and_decides(serve: Serve, tls: Files) -> None:
    server = serve(prices={"eight": 4.0, "sixteen": 0.9})
    choice = choose(server.address, tls.pem)
    assert kept(choice) == ["large"]
    assert choice.steps[0].why == "grpc keeps large, which the service named."


def test_service_that_is_not_there_has_no_opinion(tls: Files) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{free.getsockname()[1]}"
    choice = choose(url, tls.pem)
    assert kept(choice) == ["small"]
    assert f"the service gave no answer: {url}: UNAVAILABLE" in choice.why


def test_certificate_of_another_host_or_an_expired_one_is_no_opinion(serve: Serve, tmp_path: Path) -> None:
    elsewhere = self_signed(tmp_path / "elsewhere", "expander.example")
    expired = self_signed(tmp_path / "expired", "127.0.0.1", valid=(timedelta(days=-9), timedelta(days=-2)))
    for files, ahead in ((elsewhere, timedelta(0)), (expired, timedelta(days=-5))):
        server = serve(prices={"eight": 4.0, "sixteen": 0.9}, files=files, clock_ahead=ahead)
        choice = choose(server.address, files.pem)
        assert kept(choice) == ["small"]
        assert "UNAVAILABLE" in choice.why


def test_connection_is_made_again_when_the_service_restarts(serve: Serve, tls: Files) -> None:
    first = serve(prices={"eight": 4.0, "sixteen": 0.9})
    with ExpanderClient(first.address, tls.pem, timeout_s=20) as client:
        assert list(client.best(OPTIONS)) == ["large"]
        first.stop(0)
        serve(prices={"eight": 0.1, "sixteen": 0.9}, port=first.port)
        chain = expander("grpc", random=Random(0), prices=PriceList(), remote=client)
        while "no answer" in (choice := chain.choose(OPTIONS, Situation())).why:
            pass
        assert kept(choice) == ["small"]


@contextmanager
def answering(tls: Files, answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Run a service of someone else's that answers with these bytes."""
    server = grpc.server(ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("grpcplugin.Expander", {"BestOptions": handler})]
    )
    key = grpc.ssl_server_credentials([(tls.key.read_bytes(), tls.certificate.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", key)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def test_empty_answer_is_a_veto(tls: Files) -> None:
    with answering(tls, lambda _: b"") as url:
        choice = choose(url, tls.pem)
    assert choice.kept == ()
    assert [each.option.node_group for each in choice.ranked] == ["small", "large"]


def test_unknown_groups_are_dropped_and_order_counts_and_pods_do_not_matter(tls: Files) -> None:
    named = [{"nodeGroupId": "stranger"}, {"nodeGroupId": "large", "nodeCount": 99}]
    data = Proto(NEW).encode("BestOptionsResponse", {"options": named})
    with answering(tls, lambda _: data) as url:
        assert kept(choose(url, tls.pem)) == ["large"]


def test_answer_that_cannot_be_read_is_no_opinion(tls: Files) -> None:
    with answering(tls, lambda _: b"\xff\xff") as url:
        choice = choose(url, tls.pem)
    assert kept(choice) == ["small"]
    assert "the response cannot be read" in choice.why


def test_service_that_is_too_slow_has_no_opinion(tls: Files) -> None:
    done = Event()

    def wait(_: bytes) -> bytes:
        done.wait()
        return b""

    with answering(tls, wait) as url:
        choice = choose(url, tls.pem, timeout_s=0.2)
        done.set()
    assert kept(choice) == ["small"]
    assert "DEADLINE_EXCEEDED" in choice.why


def test_root_that_is_no_certificate_is_no_opinion(serve: Serve) -> None:
    assert kept(choose(serve(prices={"eight": 4.0, "sixteen": 0.9}).address, "not PEM")) == ["small"]
