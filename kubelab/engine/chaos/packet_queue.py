"""`PacketQueue`: packets that the kernel hands over and that go on a little later.

Speaks netlink to the kernel's NFQUEUE (``include/uapi/linux/netfilter/nfnetlink_queue.h``, Linux 6.18).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
from random import Random

from kubelab.errors import KubelabError

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 3 << 8
_PACKET, _VERDICT, _CONFIG = 0, 1, 2
_REQUEST, _ACK = 1, 4
_ERROR = 2
_COPY_META = 1
_FAIL_OPEN = 1
_ACCEPT = 1
_NUMBERS = range(41_000, 41_064)
_MOST_HELD = 65_536


class QueueError(KubelabError):
    """The kernel gives no queue; the message is its reason."""


class QueueDeniedError(QueueError):
    """The process may not have one: it lacks the capability CAP_NET_ADMIN."""


class PacketQueue:
    """A queue of the kernel's, read on the running loop.

    Packets keep their order where the delay does not vary.

    Parameters
    ----------
    delay_s, jitter_s : float
        How long a packet is held: so long, and up to so much longer or shorter.
    random : Random
        Draws the jitter.

    Attributes
    ----------
    number : int
        The queue's, for a rule's ``--queue-num``.
    held : int
        How many packets were held so far.

    Raises
    ------
    QueueDeniedError
        If this process lacks the capability CAP_NET_ADMIN.
    QueueError
        If the kernel refuses for another reason, or is built without.
    """

    def __init__(self, delay_s: float, jitter_s: float, random: Random) -> None:
        self.held = 0
        self._delay_s = delay_s
        self._jitter_s = jitter_s
        self._random = random
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
            self._socket.bind((0, 0))
        except OSError as error:
            raise QueueError(str(error)) from error
        self.number = self._claim()
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Let go of the queue; the kernel lets pass what is in it or drops it, and TCP sends that again."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _claim(self) -> int:
        """Take the first queue that nobody has; EPERM is said of one in use, as of all without the right."""
        code = 0
        for number in _NUMBERS:
            code = self._ask(number, _attribute(1, struct.pack("!BxH", 1, socket.AF_INET)))
            if code == 0:
                self._ask(number, _attribute(2, struct.pack("!IB", 0, _COPY_META)))
                self._ask(number, _attribute(3, struct.pack("!I", _MOST_HELD)))
                flag = struct.pack("!I", _FAIL_OPEN)
                self._ask(number, _attribute(4, flag) + _attribute(5, flag))
                return number
        self._socket.close()
        raise (QueueDeniedError if code == errno.EPERM else QueueError)(os.strerror(code))

    def _ask(self, number: int, attributes: bytes) -> int:
        """Configure a queue; return the kernel's error number, 0 for none."""
        self._socket.send(_message(_CONFIG, number, attributes, _REQUEST | _ACK))
        answer = self._socket.recv(65_536)
        kind = struct.unpack_from("=H", answer, 4)[0]
        return -int(struct.unpack_from("=i", answer, 16)[0]) if kind == _ERROR else 0

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    data = self._socket.recv(65_536)
                except OSError as error:
                    if isinstance(error, BlockingIOError):
                        raise
                    continue  # ENOBUFS: packets that did not fit passed
                for identifier in _packets(data):
                    self.held += 1
                    self._loop.call_later(self._lot_s(), self._accept, identifier)

    def _lot_s(self) -> float:
        if not self._jitter_s:
            return self._delay_s
        return max(0.0, self._delay_s + self._random.uniform(-self._jitter_s, self._jitter_s))

    def _accept(self, identifier: int) -> None:
        verdict = _attribute(2, struct.pack("!II", _ACCEPT, identifier))
        with contextlib.suppress(OSError):  # closed meanwhile
            self._socket.send(_message(_VERDICT, self.number, verdict, _REQUEST))


def _message(kind: int, number: int, attributes: bytes, flags: int) -> bytes:
    body = struct.pack("!BBH", socket.AF_UNSPEC, 0, number) + attributes
    return struct.pack("=IHHII", 16 + len(body), _SUBSYSTEM | kind, flags, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(padding)


def _packets(data: bytes) -> list[int]:
    """Return the identifiers of the packets in what the kernel sent."""
    found, offset = [], 0
    while offset + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, offset)
        if length < 16:
            break
        if kind == _SUBSYSTEM | _PACKET:
            # after nlmsghdr (16 bytes) and nfgenmsg (4) the packet's header comes first: NFQA_PACKET_HDR
            found.append(int(struct.unpack_from("!I", data, offset + 24)[0]))
        offset += length + -length % 4
    return found
