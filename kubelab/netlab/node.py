"""The process inside a lab's network: it makes client, node and server, loads rules, and connects.

Run as a script by `kubelab.netlab.network`, on the standard library alone, so that it is small: a tool that
it starts counts its starter's memory as its own. Requests are lines of JSON on standard input, each
followed by as many bytes of text as it says; answers are lines of JSON.

Namespaces have no names here; they live as long as a process or a descriptor does. The kernel ends this
process with the one that started it, and with this one, the first of its process namespace, all others.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_PRIVATE_ALL = 0x4000 | 0x40000
PR_SET_PDEATHSIG = 1

PODS = "10.128.0.0/10"
CLIENT, CLIENT_GATEWAY, CLIENT_LINK = "10.191.255.254", "10.191.255.253", "10.191.255.252/30"
"""The client is a pod: kube-proxy masquerades what comes from elsewhere, which would cost time of its own."""
SERVER, SERVER_GATEWAY = "10.201.0.2", "10.201.0.1"
PORT = 8080
DRAIN_S = 0.02
WARM_UP = 200

_libc = ctypes.PyDLL(None, use_errno=True)


def main() -> None:
    """Serve requests until standard input ends."""
    parent, is_root, ip = int(sys.argv[1]), sys.argv[2] == "root", sys.argv[3]
    try:
        isolate(parent, is_root=is_root)
        client = _make_network(ip)
    except OSError as error:
        _answer({"error": f"{error.strerror or error} ({error.filename})" if error.filename else str(error)})
        sys.exit(1)
    _answer({"ready": True})
    _serve(client)


def _serve(client: int) -> None:
    for line in iter(sys.stdin.buffer.readline, b""):
        try:
            _answer(_do(client, json.loads(line)))
        except OSError as error:
            _answer({"error": str(error)})


def _do(client: int, request: dict[str, Any]) -> dict[str, Any]:
    match request["do"]:
        case "probe":
            return _within(client, lambda: probe(request["address"], request["port"], request["count"]))
        case "run":
            return _within(client, lambda: _load(request["argv"], b""))
        case _:
            return _load(request["argv"], sys.stdin.buffer.read(request["size"]))


def _answer(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


# ---- namespaces


def isolate(parent: int, *, is_root: bool) -> None:
    """Go on as the first process of new network, mount and process namespaces, with an empty /run.

    The process that called this waits for the first one outside; the kernel ends both with their parent.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    _die_with(parent)
    _leave(is_root=is_root)
    _die_with(parent)
    init = _first_process()
    if init:
        _wait_for(init)
    _call("mount", b"none", b"/", None, ctypes.c_ulong(MS_PRIVATE_ALL), None)
    _call("mount", b"tmpfs", b"/run", b"tmpfs", ctypes.c_ulong(0), None)


def _die_with(parent: int) -> None:
    """Have the kernel end this process with its parent; a change of credentials undoes that."""
    _call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit(1)


def _leave(*, is_root: bool) -> None:
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET
    _call("unshare", flags if is_root else flags | CLONE_NEWUSER)
    if not is_root:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {uid} 1")
        _write("/proc/self/gid_map", f"0 {gid} 1")


def _first_process() -> int:
    """Fork the first process of the new process namespace, whose end is that of all in it."""
    alive, held = os.pipe()
    init = os.fork()
    if init:
        os.write(held, b"1")
        return init
    os.close(held)
    _call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.read(alive, 1) != b"1":
        sys.exit(1)
    return 0


def _wait_for(init: int) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: os.kill(init, signal.SIGKILL))
    os.close(0)
    _, status = os.waitpid(init, 0)
    sys.exit(0 if status == 0 else 1)


def _make_network(ip: str) -> int:
    """Join client, node and server by two pairs of interfaces; return the client's namespace."""
    node = _own_namespace()
    client, server = _new_namespace(), _new_namespace()
    _call("setns", node, CLONE_NEWNET)
    for link, address, inside in (("client", CLIENT_GATEWAY, client), ("server", SERVER_GATEWAY, server)):
        _ip(ip, f"link add {link} type veth peer name eth0", f"link set eth0 netns /proc/self/fd/{inside}")
        _ip(ip, f"address add {address}/30 dev {link}", f"link set {link} up")
    _ip(ip, "link set lo up", f"route add {PODS} via {SERVER}")
    _set("net/ipv4/ip_forward", "1")
    _within(client, lambda: _set_up_client(ip))
    _within(server, lambda: _set_up_server(ip))
    _start_server(server)
    return client


def _set_up_client(ip: str) -> dict[str, Any]:
    _ip(ip, "link set lo up", f"address add {CLIENT}/30 dev eth0", "link set eth0 up")
    _ip(ip, f"route add default via {CLIENT_GATEWAY}")
    _set("net/ipv4/ip_local_port_range", "1024 65535")
    return {}


def _set_up_server(ip: str) -> dict[str, Any]:
    """Answer to every pod's address: a local route for all of them (AnyIP), but for the client's."""
    _ip(ip, "link set lo up", f"address add {SERVER}/30 dev eth0", "link set eth0 up")
    _ip(ip, f"route add local {PODS} dev lo", f"route add {CLIENT_LINK} via {SERVER_GATEWAY} table local")
    _set("net/core/somaxconn", "65535")
    return {}


def _own_namespace() -> int:
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.set_inheritable(namespace, True)  # ip finds it by its number
    return namespace


def _new_namespace() -> int:
    _call("unshare", CLONE_NEWNET)
    return _own_namespace()


def _within(namespace: int, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a child does in another network namespace."""
    result, end = os.pipe()
    child = os.fork()
    if not child:
        try:
            _call("setns", namespace, CLONE_NEWNET)
            answer = work()
        except OSError as error:
            answer = {"error": str(error)}
        with os.fdopen(end, "w") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(end)
    with os.fdopen(result) as file:
        text = file.read()
    os.waitpid(child, 0)
    answer = json.loads(text or '{"error": "a process of the lab ended early"}')
    if "error" in answer:
        raise OSError(answer["error"])
    return dict(answer)


def _ip(ip: str, *commands: str) -> None:
    for command in commands:
        loaded = _load([ip, *command.split()], b"")
        if loaded["code"]:
            raise OSError(f"ip {command}: {loaded['stderr'].strip()}")


def _set(name: str, value: str) -> None:
    """Set a kernel parameter; one that is read-only may have the value already."""
    path = f"/proc/sys/{name}"
    try:
        _write(path, value)
    except OSError:
        with open(path) as file:  # noqa: PTH123 - the standard library's small part only
            if file.read().split() != value.split() and name.endswith("ip_forward"):
                raise


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)


def _call(name: str, *arguments: Any) -> int:
    result: int = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


# ---- measures


def _load(argv: list[str], text: bytes) -> dict[str, Any]:
    """Run a tool on a text and return its exit code, seconds, processor seconds and peak memory."""
    given, said = os.memfd_create("rules", 0), os.memfd_create("said", 0)
    with open(given, "wb", closefd=False) as file:
        file.write(text)
    os.lseek(given, 0, os.SEEK_SET)
    null = os.open(os.devnull, os.O_WRONLY)
    actions = [
        (os.POSIX_SPAWN_DUP2, given, 0),
        (os.POSIX_SPAWN_DUP2, null, 1),
        (os.POSIX_SPAWN_DUP2, said, 2),
    ]
    started = time.perf_counter()
    tool = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(tool, 0)
    seconds = time.perf_counter() - started
    stderr = os.pread(said, 2000, 0).decode(errors="replace")
    for descriptor in (given, said, null):
        os.close(descriptor)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "rss_bytes": usage.ru_maxrss * 1024,
        "stderr": stderr,
    }


def _start_server(namespace: int) -> None:
    """Listen in a process of its own; it drains what the kernel accepted, and has no part in a handshake."""
    listens, end = os.pipe()
    if os.fork():
        os.close(end)
        if os.read(listens, 1) != b"1":
            raise OSError("the server did not start")
        return
    _call("setns", namespace, CLONE_NEWNET)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.close(0)
    os.close(1)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", PORT))
        listener.listen(65535)
        listener.setblocking(False)
        os.write(end, b"1")
        while True:
            time.sleep(DRAIN_S)
            _drain(listener)


def _drain(listener: socket.socket) -> None:
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return
        except ConnectionAbortedError:
            continue


def probe(address: str, port: int, count: int) -> dict[str, Any]:
    """Connect so often, one after the other; return percentiles in microseconds, and connections per second.

    C's own ``connect`` is called, so that Python adds a fraction of a microsecond to what is timed. Closing
    resets the connection (``SO_LINGER`` 0): no socket is left that would slow the next.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.disable()
    where = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(address) + bytes(8)
    length, reset = len(where), struct.pack("ii", 1, 0)
    make, connect, close, option = _libc.socket, _libc.connect, _libc.close, _libc.setsockopt
    option.argtypes = (*[ctypes.c_int] * 3, ctypes.c_char_p, ctypes.c_int)
    connect.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
    clock, took = time.perf_counter_ns, [0] * (count + WARM_UP)
    begun = 0
    for i in range(count + WARM_UP):
        if i == WARM_UP:
            begun = clock()
        each = make(2, 1, 0)
        option(each, 1, 13, reset, 8)
        started = clock()
        failed = connect(each, where, length)
        took[i] = clock() - started
        close(each)
        if failed:
            raise OSError(f"{address}:{port} did not answer: {os.strerror(ctypes.get_errno())}")
    per_s = count / ((clock() - begun) / 1e9)
    return {**percentiles(took[WARM_UP:]), "per_s": per_s}


def percentiles(took_ns: list[int]) -> dict[str, float]:
    """Return p01, p50, p90 and p99 in microseconds."""
    ordered = sorted(took_ns)
    last = len(ordered) - 1
    return {f"p{each:02}": ordered[round(last * each / 100)] / 1000 for each in (1, 50, 90, 99)}


if __name__ == "__main__":
    main()
