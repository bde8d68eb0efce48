"""The process that stands for a pod, its node and the cluster's DNS server, in namespaces of its own.

``python -m kubelab.netlab.dns.room PARENT root|user`` becomes their first process. It takes an order per
line of JSON and answers with one; once nobody can give orders any more it ends, and the kernel ends all that
it started.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kubelab.netlab.dns import conntrack, drop
from kubelab.netlab.dns.cache import CACHE_ADDRESS, Cache
from kubelab.netlab.dns.isolation import FOLDER, cover_files, raise_loopback, write_resolv_conf
from kubelab.netlab.dns.resolv_conf import CLUSTER_DNS
from kubelab.netlab.dns.server import PORT, Server
from kubelab.netlab.node import isolate

FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_PATIENCE_S = 10.0
_PROBE = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05ready\x00\x00\x01\x00\x01"


class Room:
    """Does orders: ``look_up`` and ``load``."""

    def __init__(self) -> None:
        cover_files()
        raise_loopback(CLUSTER_DNS, CACHE_ADDRESS)
        self._server, theirs = socket.socketpair()
        self._replies = self._server.makefile()
        pid = os.fork()
        if pid == 0:
            self._server.close()
            Server(CLUSTER_DNS, theirs).run()
        theirs.close()
        self._tell()

    def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do an order and return its answer."""
        self._tell(zone=order["zone"], behaviour=order["behaviour"])
        write_resolv_conf(order["resolv_conf"])
        cache = self._start_cache(Cache(**order["cache"])) if order["cache"] else None
        try:
            work = self._load if order["do"] == "load" else self._look_up
            return work(order)
        finally:
            if cache is not None:
                cache.kill()
                cache.wait()

    def _look_up(self, order: dict[str, Any]) -> dict[str, Any]:
        found = []
        for name in order["names"]:
            self._tell(collect="count")
            seen = len(self._asked_of_cache(order))
            with drop.second_packet(order["drop_second"]), conntrack.entries(order["track"]) as entries:
                (line,) = _in_children([partial(look_up, name, order["family"])])
                tracked = entries()
            upstream = self._tell(collect="queries")["queries"]
            asked = self._asked_of_cache(order)[seen:] if order["cache"] else None
            seen_here = {"upstream": upstream, "asked_of_cache": asked, "tracked": tracked}
            found.append({**line, **seen_here, "name": name})
        return {"lookups": found}

    def _load(self, order: dict[str, Any]) -> dict[str, Any]:
        names, clients = order["names"], order["clients"]
        each, more = divmod(order["lookups"], clients)
        self._tell(collect="count")
        seen = len(self._asked_of_cache(order))
        began = time.perf_counter()
        work = [partial(_look_up_often, names, at, each + (at < more), order) for at in range(clients)]
        latencies = [seconds for found in _in_children(work) for seconds in found]
        return {
            "seconds": time.perf_counter() - began,
            "latencies_s": latencies,
            "upstream": self._tell(collect="count")["count"],
            "asked_of_cache": len(self._asked_of_cache(order)) - seen,
        }

    def _asked_of_cache(self, order: dict[str, Any]) -> list[tuple[str, str]]:
        return Cache(**order["cache"]).asked(FOLDER) if order["cache"] else []

    def _tell(self, **order: Any) -> dict[str, Any]:
        self._server.sendall(json.dumps(order).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._replies.readline())
        return answer

    def _start_cache(self, cache: Cache) -> subprocess.Popen[bytes]:
        with cache.log(FOLDER).open("wb") as log:
            started = subprocess.Popen(cache.command(CLUSTER_DNS, FOLDER), stdout=log, stderr=log)  # noqa: S603
        deadline = time.perf_counter() + _PATIENCE_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.05)
            while started.poll() is None and time.perf_counter() < deadline:
                try:
                    probe.sendto(_PROBE, (CACHE_ADDRESS, PORT))
                    probe.recv(512)
                except OSError:
                    continue
                return started
        started.kill()
        raise OSError(f"{cache.program} did not start: {cache.log(FOLDER).read_text().strip()}")


def look_up(name: str, family: str) -> dict[str, Any]:
    """Look a name up by glibc, as a program in the pod would."""
    began = time.perf_counter()
    try:
        found = socket.getaddrinfo(name, 80, FAMILIES[family], socket.SOCK_STREAM)
    except socket.gaierror as error:
        return {"addresses": [], "error": str(error.strerror), "seconds": time.perf_counter() - began}
    seconds = time.perf_counter() - began
    return {"addresses": sorted({str(each[4][0]) for each in found}), "error": "", "seconds": seconds}


def _look_up_often(names: list[str], at: int, rounds: int, order: dict[str, Any]) -> list[float]:
    wanted = (names[(at + each) % len(names)] for each in range(rounds))
    return [float(look_up(name, order["family"])["seconds"]) for name in wanted]


def _in_children(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what each returns in a new process, which reads resolv.conf anew."""
    ends = [_child(work) for work in works]
    found = [_read(end) for end, _ in ends]
    for _, pid in ends:
        os.waitpid(pid, 0)
    return found


def _child(work: Callable[[], Any]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with os.fdopen(theirs, "wb") as pipe:
                pipe.write(json.dumps(work()).encode() + b"\n")
        finally:
            os._exit(0)  # whatever happens: it is no second room
    os.close(theirs)
    return ours, pid


def _read(end: int) -> Any:
    """Read a child's line; end at once where nobody waits for it any more."""
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([end, sys.stdin], [], [])
        if sys.stdin in ready:  # no order comes before the answer: it is the end of the file
            os._exit(0)
        part = os.read(end, 1 << 20)
        if not part:
            raise OSError("a lookup's process ended without an answer")
        text += part
    os.close(end)
    return json.loads(text)


def main() -> None:
    """Do orders until there are none."""
    try:
        isolate(int(sys.argv[1]), is_root=sys.argv[2] == "root")
        room = Room()
    except OSError as error:
        _say({"refused": str(error)})
        return
    _say({"ready": os.confstr("CS_GNU_LIBC_VERSION") or "a libc that is not glibc"})
    while line := sys.stdin.readline():
        try:
            _say(room.do(json.loads(line)))
        except (OSError, subprocess.SubprocessError) as error:
            _say({"failed": str(error)})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
