"""SPDY/3.1 frames, as far as Kubernetes' port forwarding uses them.

The specification is "SPDY Protocol, Draft 3.1" (2013); sizes and flags are from its section 2.6. Both
directions have one zlib stream for all header blocks of a connection, primed with a dictionary.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

VERSION = 3
FIN = 1
_CONTROL = 0x80000000
_MAX_HEADER_BYTES = 1 << 20
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges "
    "age allow authorization cache-control connection content-base content-encoding content-language "
    "content-length content-location content-md5 content-range content-type date etag expect expires from "
    "host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location "
    "max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer "
    "transfer-encoding upgrade user-agent vary via warning www-authenticate method get status|200 OK|"
    "version|HTTP/1.1|url public set-cookie keep-alive origin"
)
_TAIL = (
    b"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 "
    b"Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 "
    b"Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar "
    b"Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,"
    b"image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public"
    b"privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    """Return the dictionary of section 2.6.10.1: words with their lengths, then a tail."""
    groups = [part.split(" ") if part != "200 OK" else [part] for part in _WORDS.split("|")]
    words = [word.encode() for group in groups for word in group]
    return b"".join(struct.pack(">I", len(word)) + word for word in words) + _TAIL


DICTIONARY = _dictionary()


class SpdyError(Exception):
    """The other side does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; ``fin`` says that its sender sends no more."""

    stream: int
    data: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class SynStream:
    """A new stream."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class SynReply:
    """The other side's consent to a stream."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """The end of a stream in both directions; ``code`` 5 is CANCEL."""

    stream: int
    code: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back by who did not begin it: odd numbers are a client's."""

    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """No streams after this one are taken."""

    last_stream: int
    code: int = 0


@dataclass(frozen=True, slots=True)
class Other:
    """A control frame that asks for nothing here: SETTINGS, HEADERS, WINDOW_UPDATE."""

    type: int


Frame = Data | SynStream | SynReply | Reset | Ping | GoAway | Other


class Encoder:
    """Writes one direction of a connection."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(zdict=DICTIONARY)

    def encode(self, frame: Frame) -> bytes:  # noqa: PLR0911 - a table
        """Return a frame's bytes."""
        match frame:
            case Data(stream, data, fin):
                return struct.pack(">II", stream, fin << 24 | len(data)) + data
            case SynStream(stream, headers, fin):
                return _control(1, struct.pack(">IIH", stream, 0, 0) + self._block(headers), fin=fin)
            case SynReply(stream, headers, fin):
                return _control(2, struct.pack(">I", stream) + self._block(headers), fin=fin)
            case Reset(stream, code):
                return _control(3, struct.pack(">II", stream, code))
            case Ping(number):
                return _control(6, struct.pack(">I", number))
            case GoAway(last_stream, code):
                return _control(7, struct.pack(">II", last_stream, code))
            case Other(type):
                return _control(type, b"")

    def _block(self, headers: Mapping[str, str]) -> bytes:
        texts = [text.encode() for item in headers.items() for text in item]
        plain = struct.pack(">I", len(headers)) + b"".join(
            struct.pack(">I", len(text)) + text for text in texts
        )
        return self._zlib.compress(plain) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


class Decoder:
    """Reads one direction of a connection, however it is cut into pieces."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)
        self._rest = bytearray()

    def decode(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete with this piece.

        Raises
        ------
        SpdyError
            If it is no frame of SPDY/3.
        """
        self._rest += data
        while len(self._rest) >= 8:
            head, sizes = struct.unpack_from(">II", self._rest)
            end = 8 + (sizes & 0xFFFFFF)
            if len(self._rest) < end:
                return
            body = bytes(self._rest[8:end])
            del self._rest[:end]
            fin = bool(sizes >> 24 & FIN)
            yield self._control(head, body, fin=fin) if head & _CONTROL else Data(head, body, fin)

    def _control(self, head: int, body: bytes, *, fin: bool) -> Frame:
        version, number = head >> 16 & 0x7FFF, head & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"SPDY version {version} is not spoken here, only {VERSION}")
        try:
            return self._frame(number, body, fin=fin)
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a SPDY frame of type {number} cannot be read: {error}") from error

    def _frame(self, type: int, body: bytes, *, fin: bool) -> Frame:  # noqa: PLR0911 - a table
        match type:
            case 1:
                (stream,) = struct.unpack_from(">I", body)
                return SynStream(stream, self._headers(body[10:]), fin)
            case 2:
                (stream,) = struct.unpack_from(">I", body)
                return SynReply(stream, self._headers(body[4:]), fin)
            case 3:
                return Reset(*struct.unpack(">II", body))
            case 6:
                return Ping(*struct.unpack(">I", body))
            case 7:
                return GoAway(*struct.unpack(">II", body))
            case 8:
                self._headers(body[4:])  # the zlib stream must not miss any
                return Other(type)
            case _:
                return Other(type)

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._zlib.decompress(block, _MAX_HEADER_BYTES)
        if self._zlib.unconsumed_tail:
            raise SpdyError(f"a header block is longer than {_MAX_HEADER_BYTES} bytes")
        (count,) = struct.unpack_from(">I", plain)
        texts, at = [], 4
        for _ in range(2 * count):
            (size,) = struct.unpack_from(">I", plain, at)
            texts.append(plain[at + 4 : at + 4 + size].decode())
            at += 4 + size
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _control(type: int, body: bytes, *, fin: bool = False) -> bytes:
    return struct.pack(">II", _CONTROL | VERSION << 16 | type, fin << 24 | len(body)) + body
