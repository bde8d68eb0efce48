"""Networks on this machine's kernel: as root where the tests are, and in a user namespace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import psutil
import pytest

from kubelab.netlab import BACKENDS, iptables, nftables
from kubelab.netlab.errors import LoadingFailedError, NetworkUnavailableError, StoppedError
from kubelab.netlab.names import nftables_service_chain, service_chain
from kubelab.netlab.network import Network, remove_stale
from kubelab.netlab.results import Backend
from kubelab.netlab.services import Service, make_services, one_more
from kubelab.netlab.syncs import LAYOUTS, make_syncs
from kubelab.netlab.tools import find, loader, why_not
from kubelab.processes import start_ticks

ENDPOINT = ("10.128.1.1", 8080)
HOLD = """
from kubelab.netlab.network import Network
with Network(root={root}) as network:
    print(network.pid, flush=True)
    network.load(["/bin/sleep", "60"])
"""


@cache
def is_possible(*, root: bool) -> bool:
    try:
        Network(root=root).close()
    except NetworkUnavailableError:
        return False
    return True


@pytest.fixture(params=[True, False], ids=["root", "user namespace"])
def root(request: pytest.FixtureRequest) -> bool:
    as_root: bool = request.param
    if (as_root and os.geteuid() != 0) or not is_possible(root=as_root):
        pytest.skip("this machine does not allow it")
    return as_root


@pytest.fixture
def network(root: bool) -> Iterator[Network]:
    with Network(root=root, timeout_s=20) as network:
        yield network


def of(network_pid: int) -> list[psutil.Process]:
    """Return every process of a network."""
    first = psutil.Process(network_pid)
    return [first, *first.children(recursive=True)]


def assert_gone(processes: list[psutil.Process]) -> None:
    assert len(processes) >= 3  # that which waits, the node, the server
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


def test_the_client_reaches_every_endpoint(network: Network) -> None:
    probe = network.probe(*ENDPOINT, count=50)
    assert 0 < probe.p01 <= probe.p50 <= probe.p90 <= probe.p99
    assert network.probe("10.191.0.7", 8080, count=5).per_s > 0


def has_chain(network: Network, backend: Backend, service: Service) -> bool:
    if backend.startswith("nftables"):
        chain = nftables_service_chain(service)
        command = [find("nft"), "list", "chain", "ip", "kube-proxy", chain]
    else:
        command = [find(backend), "-t", "nat", "-S", service_chain(service)]
    try:
        network.load([str(each) for each in command])
    except LoadingFailedError:
        return False
    return True


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_kernel_takes_every_sync_and_services_answer(
    root: bool, network: Network, backend: Backend
) -> None:
    tool = loader(backend)
    if why_not(backend) or tool is None:
        pytest.skip(str(why_not(backend)))
    services = make_services(60 if root else 20, 2)
    syncs, new = make_syncs(backend, services, tool, root=root), one_more(services)
    for text in (syncs.setup, *syncs.full):
        network.load(syncs.load, text)
    for each in (services[0], services[-1]):
        assert network.probe(each.cluster_ip, each.port, count=5).per_s > 0
    assert not has_chain(network, backend, new)

    network.load(syncs.load, syncs.add)
    assert has_chain(network, backend, new)
    assert network.probe(new.cluster_ip, new.port, count=5).per_s > 0

    network.load(syncs.load, syncs.change)
    assert network.probe(services[0].cluster_ip, services[0].port, count=20).per_s > 0
    network.load(syncs.load, syncs.remove)
    assert not has_chain(network, backend, new)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_service_that_loses_all_endpoints_does_not_answer_until_it_has_some(
    network: Network, backend: Backend
) -> None:
    tool = loader(backend)
    if why_not(backend) or tool is None:
        pytest.skip(str(why_not(backend)))
    services = make_services(3, 2)
    syncs, whole = make_syncs(backend, services, tool, root=True), services[0]
    empty = replace(whole, endpoints=())
    lost, back = (
        nftables.changing(old, new, LAYOUTS[backend])
        if backend in LAYOUTS
        else iptables.changing([old, *services[1:]], 0, new)
        for old, new in ((whole, empty), (empty, whole))
    )
    for text in (syncs.setup, *syncs.full, lost):
        network.load(syncs.load, text)
    assert not has_chain(network, backend, whole)
    with pytest.raises(LoadingFailedError, match="did not answer"):
        network.probe(whole.cluster_ip, whole.port, count=5)
    network.load(syncs.load, back)
    assert network.probe(whole.cluster_ip, whole.port, count=5).per_s > 0


def test_a_tool_s_complaint_is_what_the_error_says(network: Network) -> None:
    if (nft := loader("nftables")) is None:
        pytest.skip("nft is not installed")
    with pytest.raises(LoadingFailedError, match=r"nft failed: .*syntax error"):
        network.load([nft, "-f", "-"], "nonsense\n")
    assert network.load([nft, "-f", "-"], "add table ip fine\n").rss_bytes > 0


def test_a_tool_that_takes_too_long_is_given_up(root: bool) -> None:
    with Network(root=root) as network:
        processes = of(network.pid)
        network._timeout_s = 0.2
        with pytest.raises(LoadingFailedError, match="did not finish in"):
            network.load(["/bin/sleep", "60"])
    assert_gone(processes)


def test_what_another_thread_stops_ends_at_once(root: bool) -> None:
    stop = threading.Event()
    with Network(root=root, stop=stop) as network:
        processes = of(network.pid)
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(StoppedError):
            network.load(["/bin/sleep", "60"])
    assert_gone(processes)


def test_two_stand_side_by_side(root: bool, network: Network) -> None:
    with Network(root=root) as other:
        processes = of(other.pid)
        assert other.probe(*ENDPOINT, count=5).per_s > 0
        assert network.probe(*ENDPOINT, count=5).per_s > 0
    assert_gone(processes)
    assert network.probe(*ENDPOINT, count=5).per_s > 0


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_its_owner(root: bool, own_home: Path, end: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(root=root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdout is not None
    processes = of(int(owner.stdout.readline()))
    owner.send_signal(end)
    owner.wait(10)
    owner.stdout.close()
    assert_gone(processes)
    remove_stale()
    assert not list((own_home / ".netlab").iterdir())


def note(home: Path, left: int, started: int | None) -> Path:
    path = home / ".netlab" / f"{left}.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"pid": left, "started": started, "owner": 2**22, "owner_started": 1}))
    return path


def test_what_a_killed_run_left_is_ended_at_the_next_start(own_home: Path) -> None:
    left = subprocess.Popen(["/bin/sleep", "60"])
    path = note(own_home, left.pid, start_ticks(left.pid))
    remove_stale()
    assert left.wait(10) == -signal.SIGKILL
    assert not path.exists()


def test_a_process_that_only_has_the_same_number_is_left_alone(own_home: Path) -> None:
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    path = note(own_home, stranger.pid, 7)
    remove_stale()
    assert stranger.poll() is None
    assert not path.exists()
    stranger.kill()
    stranger.wait()


def test_a_home_that_cannot_be_written_is_said_to_be_the_reason(
    root: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path / "file"))
    with pytest.raises(NetworkUnavailableError, match=r"cannot be written .*set KUBELAB_HOME"):
        Network(root=root)
    assert not psutil.Process().children()


def test_a_live_run_is_no_leftover(root: bool, network: Network) -> None:
    remove_stale()
    assert network.probe(*ENDPOINT, count=5).per_s > 0
