"""SPDY frames: what is written is read again, however it is cut; what is no frame is refused."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.engine.apiserver.spdy import (
    DICTIONARY,
    Data,
    Decoder,
    Encoder,
    Frame,
    GoAway,
    Ping,
    Reset,
    SpdyError,
    SynReply,
    SynStream,
)

_streams = st.integers(1, 2**31 - 1)
_numbers = st.integers(0, 2**32 - 1)
_headers = st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5)
_frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Data, _streams, st.binary(max_size=300), st.booleans()),
    st.builds(SynStream, _streams, _headers, st.booleans()),
    st.builds(SynReply, _streams, _headers, st.booleans()),
    st.builds(Reset, _streams, _numbers),
    st.builds(Ping, _numbers),
    st.builds(GoAway, _streams, _numbers),
)


@given(st.lists(_frames, max_size=12), st.integers(1, 50))
def test_frames_are_read_as_written_however_they_are_cut(frames: list[Frame], size: int) -> None:
    encoder, decoder = Encoder(), Decoder()
    data = b"".join(encoder.encode(frame) for frame in frames)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [frame for piece in pieces for frame in decoder.decode(piece)] == frames


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_frames_or_refused(data: bytes) -> None:
    with contextlib.suppress(SpdyError):
        list(Decoder().decode(data))


def test_the_dictionary_is_that_of_the_specification() -> None:
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


def test_another_version_is_refused() -> None:
    with pytest.raises(SpdyError, match="version 2"):
        list(Decoder().decode(struct.pack(">III", 0x80020006, 4, 1)))


def test_a_header_block_that_blows_up_is_refused() -> None:
    packer = zlib.compressobj(zdict=DICTIONARY)
    block = packer.compress(bytes(1 << 22)) + packer.flush(zlib.Z_SYNC_FLUSH)
    body = struct.pack(">IIH", 1, 0, 0) + block
    with pytest.raises(SpdyError, match="longer than"):
        list(Decoder().decode(struct.pack(">II", 0x80030001, len(body)) + body))
