"""A DNS server that counts: it answers a `Zone` over UDP and TCP, and can be slow, lossy or wrong.

It runs as one loop in a process of its own, which obeys JSON lines on a socket, with these keys: ``zone`` and
``behaviour`` (what to answer from now on), ``collect`` (``count`` or ``queries``: what was asked since).
"""

from __future__ import annotations

import heapq
import json
import random
import selectors
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from kubelab.netlab.dns.checks import check_number, texts
from kubelab.netlab.dns.zone import Answer, Zone

PORT = 53
TTL_S = 30
"""What CoreDNS's stock Corefile gives names of the cluster (kubeadm 1.37: ``ttl 30``)."""
_RACE_HOLD_S = 0.002
_MESSAGE = 65535


@dataclass(frozen=True)
class Behaviour:
    """How the server answers.

    Parameters
    ----------
    autopath : tuple of str
        The search list it goes through itself; empty for a server without autopath.
    delay_s : float
        How long it holds each answer, in seconds.
    loss : float
        The share of UDP queries that it does not answer, from 0 to 1, by `seed`.
    nxdomain : tuple of str
        Names that it denies.
    lose_pair : bool
        Lose, once, the second of two packets that one socket sent at a time: the race of two inserts
        into the kernel's connection table, emulated.
    seed : int
        Of the losses.

    Raises
    ------
    DnsOptionError
        If the delay is negative or without end, the loss no share, or names are no list of texts.
    """

    autopath: tuple[str, ...] = ()
    delay_s: float = 0.0
    loss: float = 0.0
    nxdomain: tuple[str, ...] = ()
    lose_pair: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("delay_s", self.delay_s, sys.float_info.max, "Give seconds, from 0 on.")
        check_number("loss", self.loss, 1.0, "Give a share from 0 to 1.")
        texts("nxdomain", self.nxdomain, "api.example.com")
        texts("autopath", self.autopath, "default.svc.cluster.local")


@dataclass(frozen=True)
class Query:
    """One question that left the pod, as the server saw it.

    Parameters
    ----------
    name, type : str
        Such as ``api.example.com`` and ``AAAA``.
    answer : str
        NOERROR, NXDOMAIN, NODATA (the name has other types only) or LOST.
    transport : str
        udp or tcp.
    at_s : float
        Seconds since the lookup began.
    """

    name: str
    type: str
    answer: str
    transport: str = "udp"
    at_s: float = 0.0


def respond(zone: Zone, behaviour: Behaviour, name: str, type_: str) -> Answer:
    """Return the status and the records for a question."""
    if name.lower() in behaviour.nxdomain:
        return "NXDOMAIN", ()
    if behaviour.autopath:
        return zone.autopath(name, type_, behaviour.autopath)
    return zone.answer(name, type_)


def shown(status: str, records: tuple[tuple[str, str], ...]) -> str:
    """Return an answer in a word: NODATA where the name has records of other types only."""
    return "NODATA" if status == "NOERROR" and not records else status


def predicted(zone: Zone, behaviour: Behaviour, name: str, type_: str) -> Query:
    """Return a question with the answer that the server would give."""
    return Query(name, type_, shown(*respond(zone, behaviour, name, type_)))


class Server:
    """The server's loop, on an address of its namespace."""

    def __init__(self, address: str, control: socket.socket) -> None:
        self._control = control
        self._zone = Zone({})
        self._set(Behaviour())
        self._due: list[tuple[float, int, bytes, Any, socket.socket]] = []
        self._held: set[Any] = set()
        self._count = 0
        self._selector = selectors.DefaultSelector()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, PORT))
        tcp = socket.create_server((address, PORT), backlog=128)
        self._selector.register(self._udp, selectors.EVENT_READ, self._take_datagrams)
        self._selector.register(tcp, selectors.EVENT_READ, lambda: self._accept(tcp))
        self._selector.register(control, selectors.EVENT_READ, self._obey)

    def run(self) -> None:
        """Serve until the control socket closes."""
        while True:
            wait = max(0.0, self._due[0][0] - time.perf_counter()) if self._due else None
            for key, _ in self._selector.select(wait):
                key.data()
            self._send_due()

    def _set(self, behaviour: Behaviour) -> None:
        self._behaviour, self._random = behaviour, random.Random(behaviour.seed)  # noqa: S311
        self._may_lose = behaviour.lose_pair
        self._queries: list[Query] = []
        self._began = time.perf_counter()

    def _obey(self) -> None:
        line = b""
        while not line.endswith(b"\n"):
            part = self._control.recv(_MESSAGE)
            if not part:
                raise SystemExit
            line += part
        order = json.loads(line)
        if "zone" in order:
            self._zone = Zone(**order["zone"])
        if "behaviour" in order:
            self._set(Behaviour(**order["behaviour"]))
        answer: dict[str, Any] = {}
        if "collect" in order:
            keep = order["collect"] == "queries"
            answer = {"count": len(self._queries), "queries": [asdict(q) for q in self._queries if keep]}
            self._queries = []
            self._began = time.perf_counter()
        self._control.sendall(json.dumps(answer).encode() + b"\n")

    def _take_datagrams(self) -> None:
        data, sender = self._udp.recvfrom(_MESSAGE)
        self._answer(data, sender, self._udp, "udp")

    def _accept(self, listener: socket.socket) -> None:
        peer, _ = listener.accept()
        buffer = bytearray()
        self._selector.register(peer, selectors.EVENT_READ, lambda: self._take_stream(peer, buffer))

    def _take_stream(self, peer: socket.socket, buffer: bytearray) -> None:
        data = peer.recv(_MESSAGE)
        if not data:
            self._selector.unregister(peer)
            peer.close()
            return
        buffer += data
        while len(buffer) >= 2 and len(buffer) >= (size := 2 + struct.unpack("!H", buffer[:2])[0]):
            self._answer(bytes(buffer[2:size]), None, peer, "tcp")
            del buffer[:size]

    def _answer(self, data: bytes, sender: Any, through: socket.socket, transport: str) -> None:
        from dnslib import QTYPE, DNSRecord

        question = DNSRecord.parse(data)
        name, type_ = str(question.q.qname).removesuffix("."), str(QTYPE[question.q.qtype])
        at_s = time.perf_counter() - self._began
        if transport == "udp" and self._loses(sender):
            self._queries.append(Query(name, type_, "LOST", transport, at_s))
            return
        status, records = respond(self._zone, self._behaviour, name, type_)
        self._queries.append(Query(name, type_, shown(status, records), transport, at_s))
        self._hold(packed(question, status, records), sender, through)

    def _loses(self, sender: Any) -> bool:
        if self._may_lose and sender in self._held:
            self._may_lose = False
            return True
        return bool(self._behaviour.loss) and self._random.random() < self._behaviour.loss

    def _hold(self, reply: bytes, sender: Any, through: socket.socket) -> None:
        hold_s = max(self._behaviour.delay_s, _RACE_HOLD_S if self._behaviour.lose_pair else 0.0)
        self._count += 1
        self._held.add(sender)
        heapq.heappush(self._due, (time.perf_counter() + hold_s, self._count, reply, sender, through))

    def _send_due(self) -> None:
        while self._due and self._due[0][0] <= time.perf_counter():
            _, _, reply, sender, through = heapq.heappop(self._due)
            self._held.discard(sender)
            try:
                if sender is None:
                    through.sendall(struct.pack("!H", len(reply)) + reply)
                else:
                    through.sendto(reply, sender)
            except OSError:
                continue  # who asked has gone


def packed(question: Any, status: str, records: tuple[tuple[str, str], ...]) -> bytes:
    """Return the answer to a parsed question as a DNS message."""
    from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, SOA, A

    makers = {"A": A, "AAAA": AAAA, "CNAME": CNAME}
    reply = question.reply(ra=1)
    reply.header.rcode = getattr(RCODE, status)
    owner = question.q.qname
    for type_, value in records:
        reply.add_answer(RR(owner, getattr(QTYPE, type_), rdata=makers[type_](value), ttl=TTL_S))
        owner = value if type_ == "CNAME" else owner
    if not any(type_ != "CNAME" for type_, _ in records):
        times = (1, 7200, 1800, 86400, TTL_S)
        reply.add_auth(RR(".", QTYPE.SOA, rdata=SOA("ns.dns.cluster.local", "hostmaster", times), ttl=TTL_S))
    return bytes(reply.pack())
