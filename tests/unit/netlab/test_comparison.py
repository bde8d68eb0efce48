"""One small comparison as root, and one as a user who has no rights at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kubelab.errors import KubelabError
from kubelab.netlab import Comparison, Progress, compare
from kubelab.netlab.errors import NetworkUnavailableError, StoppedError, TooManyServicesError
from kubelab.netlab.results import Backend
from kubelab.netlab.tools import why_not

NOBODY = 65534
BACKENDS: tuple[Backend, ...] = ("iptables-legacy", "nftables")
SMALL = (
    "compare([20, 40], backends=['iptables-legacy', 'nftables'], repeats=1, connections=50{more}).to_json()"
)
COMMAND = "from kubelab.netlab import compare; print({call})"

needs_tools = pytest.mark.skipif(any(map(why_not, BACKENDS)), reason="iptables or nft is missing")


def check(comparison: Comparison) -> None:
    assert [(each.backend, each.services) for each in comparison.measures] == [
        *(("iptables-legacy", 20), ("nftables", 20)),
        *(("iptables-legacy", 40), ("nftables", 40)),
    ]
    assert [each.skipped for each in comparison.measures] == [None] * 4
    iptables, nftables = comparison.measures[2:]
    assert iptables.rules == 5 + 40 * 8
    for each in (iptables, nftables):
        assert each.listed == "every sync"
        assert 0 < each.list_s < min(each.add_s, each.change_s, each.remove_s)
    assert nftables.add_bytes < 1000 < iptables.add_bytes
    for each in comparison.measures:
        assert list(each.latency) == list(each.connections_per_s) == ["direct", "first", "middle", "last"]
        assert each.full_s > 0
        assert each.loader_rss_bytes > 0


@needs_tools
@pytest.mark.skipif(os.geteuid() != 0, reason="the tests do not run as root")
def test_root_compares() -> None:
    told: list[Progress] = []
    try:
        measured = compare([20, 40], backends=BACKENDS, repeats=1, connections=50, on_progress=told.append)
    except NetworkUnavailableError as error:
        pytest.skip(str(error))
    check(measured)
    assert measured.environment.privileges == "root"
    assert [each.done for each in told] == [0, 1, 1, 2, 2, 3, 3, 4]
    assert [each.measure for each in told if each.measure] == list(measured.measures)
    assert len(measured.frame()) == 4


@needs_tools
@pytest.mark.skipif(os.geteuid() != 0, reason="the tests do not run as root")
def test_a_sync_of_iptables_in_a_large_cluster_does_not_contain_its_listing() -> None:
    try:
        (large,) = compare([10], endpoints=101, backends=["iptables-nft"], repeats=1, connections=9).measures
    except NetworkUnavailableError as error:
        pytest.skip(str(error))
    assert large.listed == "at most once in 30 s"
    assert large.list_s > 0


@needs_tools
def test_a_run_that_another_thread_stops_ends_in_the_middle_and_leaves_nothing() -> None:
    stop = threading.Event()
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises((StoppedError, NetworkUnavailableError)) as ended:
        compare(
            [20],
            backends=["nftables"],
            repeats=1,
            connections=10_000_000,  # minutes
            timeout_s=3600,
            on_progress=lambda _: stop_soon(stop),
            stop=stop,
        )
    if ended.type is NetworkUnavailableError:
        pytest.skip(str(ended.value))
    assert set(psutil.Process().children(recursive=True)) <= before


def stop_soon(stop: threading.Event) -> None:
    """Set it once a run connects."""
    threading.Timer(1.0, stop.set).start()


@pytest.fixture
def as_nobody() -> Iterator[list[str]]:
    """Return the start of a command that runs Python as a user without rights."""
    if os.geteuid() != 0:
        yield [sys.executable, "-c"]
        return
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, NOBODY, NOBODY)
    start = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "env",
        f"KUBELAB_HOME={folder}",
    ]
    start.append(f"PYTHONPATH={os.pathsep.join(filter(None, sys.path))}")
    candidates = (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    for python in candidates:
        if (
            subprocess.run(
                [*start, python, "-c", "import kubelab.netlab"], capture_output=True, check=False
            ).returncode
            == 0
        ):
            yield [*start, python, "-c"]
            break
    else:
        pytest.skip("no Python here that another user may run")
    shutil.rmtree(folder)


def run(start: list[str], call: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*start, COMMAND.format(call=call)], capture_output=True, text=True, check=False, cwd="/"
    )


@needs_tools
def test_a_user_compares_in_a_user_namespace(as_nobody: list[str]) -> None:
    done = run(as_nobody, SMALL.format(more=""))
    if "NetworkUnavailableError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    comparison = Comparison.from_json(done.stdout)
    check(comparison)
    assert comparison.environment.privileges == "user namespace"


@needs_tools
def test_a_user_who_asks_for_root_is_told_what_to_do(as_nobody: list[str]) -> None:
    done = run(as_nobody, SMALL.format(more=", root=True"))
    said = done.stderr.splitlines()[-1]
    assert "NetworkUnavailableError: No network could be made" in said
    assert "pass root=False" in said


def test_a_machine_without_the_tools_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubelab.netlab.tools._PATH", "/nowhere")
    with pytest.raises(NetworkUnavailableError, match=r"apt-get install nftables.*Comparison\.recorded"):
        compare([10], backends=["nftables"])


def test_more_than_memory_holds_is_refused_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubelab.netlab.comparison.free_memory", lambda: 2**28)
    monkeypatch.setattr("kubelab.netlab.comparison.why_not", lambda _: None)
    with pytest.raises(TooManyServicesError, match="Ask for at most"):
        compare([100_000], backends=["nftables"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"services": []},
        {"services": [0]},
        {"backends": []},
        {"backends": ["ipvs"]},
        {"endpoints": 0},
        {"repeats": 0},
        {"connections": 0},
        {"services": [10.0]},
        {"services": ["10"]},
        {"repeats": 1.5},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
    ],
)
def test_what_cannot_be_measured_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(KubelabError):
        compare(**{"services": [10], **wrong})  # type: ignore[arg-type]


def test_a_number_or_name_alone_is_asked_for_as_a_list() -> None:
    with pytest.raises(KubelabError, match=r"such as services=\[1000\]"):
        compare(1000)  # type: ignore[arg-type]
    with pytest.raises(KubelabError, match=r"such as backends=\['nftables'\]"):
        compare([10], backends="nftables")  # type: ignore[arg-type]


def test_more_services_than_addresses_are_refused_before_anything_is_measured() -> None:
    told: list[Progress] = []
    with pytest.raises(KubelabError, match="has room for"):
        compare([10, 600_000], on_progress=told.append)
    assert not told
