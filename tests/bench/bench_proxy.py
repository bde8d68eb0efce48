"""kube-proxy's rules at 1,000 and 5,000 Services, as root and in a user namespace, and what the lab adds.

The lab's client is compared with one in C on the same path, and its loading with a shell's that feeds the
same text to the same tool in a network of its own.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from kubelab.netlab import Comparison, compare
from kubelab.netlab.errors import NetworkUnavailableError
from kubelab.netlab.network import Network
from kubelab.netlab.results import Backend
from kubelab.netlab.services import make_services
from kubelab.netlab.syncs import make_syncs
from kubelab.netlab.tools import loader
from tests.bench.figure import Figure

PART = "proxy"
BACKENDS: tuple[Backend, ...] = ("iptables-legacy", "nftables")
CLIENT_RATIO, LOADING_RATIO = 1.1, 1.05
NET_LATENCY_RATIO = 10.0
CONNECTIONS, ROUNDS = 5000, 5


def measure() -> list[Figure]:
    """Measure."""
    figures: list[Figure] = []
    for root in (True, False):
        if root and os.geteuid() != 0:
            continue
        try:
            figures += [*_overhead(root=root), *_rules(root=root)]
        except NetworkUnavailableError as error:
            print(f"proxy: {error}", file=sys.stderr)
    return [*figures, *_recorded()]


def _name(*, root: bool) -> str:
    return "root" if root else "user namespace"


def _rules(*, root: bool) -> list[Figure]:
    compared = compare([1000, 5000], backends=BACKENDS, repeats=3, root=root)
    return [
        Figure(PART, f"{each.backend}, {each.services:,}, {_name(root=root)}: {name}", None, value, unit)
        for each in compared.measures
        for name, value, unit in (
            ("full sync", each.full_s, "s"),
            ("one Service more", each.add_s, "s"),
            ("last Service net of direct", each.net_latency(), "us"),
        )
    ]


def _recorded() -> list[Figure]:
    recorded = Comparison.recorded()
    return [
        _recorded_ratio(recorded, 10_000, 2, NET_LATENCY_RATIO),
        _recorded_ratio(recorded, 30_000, 1, 20.0),
    ]


def _recorded_ratio(recorded: Comparison, services: int, endpoints: int, asked: float) -> Figure:
    old, new = (recorded.of(each, services, endpoints).net_latency() for each in BACKENDS)
    note = f"{old:.1f} against {new:.1f} us net of direct, recorded {recorded.environment.date}"
    return Figure(
        PART, f"{services:,} Services, last: iptables over nftables", asked, old / new, "x", True, note
    )


def _overhead(*, root: bool) -> list[Figure]:
    figures = [_loading(backend, root=root) for backend in BACKENDS]
    if (cc := shutil.which("cc")) is None:
        print("proxy: no C compiler: the client was not compared", file=sys.stderr)
        return figures
    with tempfile.TemporaryDirectory() as folder:
        program, out = Path(folder) / "connect", Path(folder) / "took"
        subprocess.run([cc, "-O2", "-o", program, Path(__file__).with_name("connect.c")], check=True)
        return [_client(program, out, root=root), *figures]


def _client(program: Path, out: Path, *, root: bool) -> Figure:
    """Take turns, so that both meet the same disturbances."""
    ours, reference = [], []
    with Network(root=root) as network:
        for _ in range(ROUNDS):
            ours.append(network.probe("10.128.1.1", 8080, CONNECTIONS).p50)
            network.run([str(program), "10.128.1.1", "8080", str(CONNECTIONS), str(out)])
            reference.append(statistics.median(map(int, out.read_text().split())) / 1000)
    a, b = statistics.median(ours), statistics.median(reference)
    note = f"p50 {a:.2f} against {b:.2f} us, {ROUNDS} turns of {CONNECTIONS:,}"
    return Figure(PART, f"our client over one in C, {_name(root=root)}", CLIENT_RATIO, a / b, "x", note=note)


def _loading(backend: Backend, *, root: bool) -> Figure:
    """Load 5,000 Services in turns by the lab, and by hand: ``unshare`` and a shell's redirection."""
    tool = loader(backend)
    assert tool is not None
    syncs = make_syncs(backend, make_services(5000), tool, root=root)
    ours, by_hand = [], []
    with tempfile.TemporaryDirectory() as folder:
        files = [_write(Path(folder) / f"{i}", text) for i, text in enumerate((syncs.setup, *syncs.full))]
        for _ in range(ROUNDS):
            ours.append(_ours(syncs.load, [syncs.setup, *syncs.full], root=root))
            by_hand.append(_by_hand(syncs.load, files, root=root))
    a, b = statistics.median(ours), statistics.median(by_hand)
    name = f"loading 5,000 over by hand, {backend}, {_name(root=root)}"
    return Figure(PART, name, LOADING_RATIO, a / b, "x", note=f"{a:.3f} against {b:.3f} s, {ROUNDS} turns")


def _ours(load: tuple[str, ...], texts: list[str], *, root: bool) -> float:
    with Network(root=root) as network:
        return sum(network.load(load, text).seconds for text in texts if text)


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _by_hand(load: tuple[str, ...], files: list[Path], *, root: bool) -> float:
    """Return the seconds that bash's own ``time`` measures of the tool."""
    commands = " && ".join(f"{' '.join(load)} < {file}" for file in files if file.stat().st_size)
    script = f"mount -t tmpfs tmpfs /run; TIMEFORMAT=%R; time {{ {commands}; }}"
    flags = "-nm" if root else "-Urnm"
    done = subprocess.run(
        ["unshare", flags, "--propagation", "private", "bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stderr.splitlines()[-1])
