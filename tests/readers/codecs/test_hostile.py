"""Streams that are cut, damaged or made up: FormatError and nothing else, in time and memory that `size` bounds."""

import random
import time
import tracemalloc

import pytest

from buildlab.errors import FormatError
from buildlab.readers.codecs import compiled_codecs
from tests.readers.codecs import vectors
from tests.readers.codecs.bit_writer import LzxBits, raw_block, wim_block_header
from tests.readers.codecs.test_vectors import CHUNKS, NAMES
from tests.readers.codecs.variants import Codecs, installed

ZERO = [0] * 256
HEADERS = [0] * 240
LENGTHS = [0] * 249


def is_compiled() -> bool:
    return all(compiled_codecs().values())


def refused(codecs: Codecs, codec: str, data: bytes, size: int, reason: str | None = None) -> None:
    with pytest.raises(FormatError, match=reason) as caught:
        codecs.decode(codec, data, size)
    assert caught.value.format == codec


@pytest.mark.parametrize(("codec", "data", "size", "sha256"), CHUNKS, ids=NAMES)
def test_every_cut(codecs: Codecs, codec: str, data: bytes, size: int, sha256: str) -> None:
    """A cut LZMS chunk is another chunk, for it is read from its end too: that one may happen to be sound."""
    whole = codecs.decode(codec, data, size)
    others = 0
    for length in range(0, len(data), 1 if size < 2000 or codecs is installed() else 5):
        try:
            found = codecs.decode(codec, data[:length], size)
        except FormatError:
            continue
        assert len(found) == size
        if codec == "lzms":
            others += 1
        else:
            assert found == whole
            assert length >= len(data) - 4
    assert others <= 1


@pytest.mark.parametrize(("codec", "data", "size", "sha256"), CHUNKS, ids=NAMES)
def test_another_size(codecs: Codecs, codec: str, data: bytes, size: int, sha256: str) -> None:
    whole = codecs.decode(codec, data, size)
    for other in (1, 2, size // 2, size - 1, size + 1, size + 100):
        try:
            found = codecs.decode(codec, data, other)
        except FormatError:
            continue
        assert len(found) == other
        if codec == "xpress" and other < size:
            assert found == whole[:other]


@pytest.mark.parametrize("codec", ["lzx", "xpress", "lzms"])
@pytest.mark.parametrize("size", [0, -1, 1 << 40])
def test_sizes_that_no_chunk_has(codecs: Codecs, codec: str, size: int) -> None:
    refused(codecs, codec, b"\0" * 1000, size, "chunk")


@pytest.mark.parametrize("kind", [0, 4, 5, 6, 7])
def test_lzx_block_types(codecs: Codecs, kind: int) -> None:
    refused(codecs, "lzx", wim_block_header(kind).raw(bytes(500)).bytes(), 100, f"type {kind}")


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_lzx_empty_blocks(codecs: Codecs, kind: int) -> None:
    refused(codecs, "lzx", wim_block_header(kind, 0).raw(bytes(500)).bytes(), 100, "0 bytes")


def test_lzx_pretree_that_is_no_code(codecs: Codecs) -> None:
    bits = wim_block_header(1)
    for _ in range(20):
        bits.put(1, 4)
    refused(codecs, "lzx", bits.raw(bytes(500)).bytes(), 100, "over-subscribed")
    bits = wim_block_header(1).put(1, 4)
    for _ in range(19):
        bits.put(0, 4)
    refused(codecs, "lzx", bits.raw(bytes(500)).bytes(), 100, "incomplete")
    bits = wim_block_header(1).raw(bytes(500))
    refused(codecs, "lzx", bits.bytes(), 100, "empty code")


@pytest.mark.parametrize("run", [17, 18, 19])
def test_lzx_runs_that_pass_the_end(codecs: Codecs, run: int) -> None:
    bits = wim_block_header(1).pretree()
    for _ in range(253):
        bits.length(0)
    bits.length(run).put(0, {17: 4, 18: 5, 19: 1}[run])
    refused(codecs, "lzx", bits.length(0).raw(bytes(500)).bytes(), 100, "passes the end")


@pytest.mark.parametrize("inner", [17, 18, 19])
def test_lzx_run_inside_a_run(codecs: Codecs, inner: int) -> None:
    bits = wim_block_header(1).pretree().length(19).put(0, 1).length(inner)
    refused(codecs, "lzx", bits.raw(bytes(500)).bytes(), 100, "inside a run")


def verbatim(literals: list[int], headers: list[int], lengths: list[int], size: int | None = None) -> LzxBits:
    return wim_block_header(1, size).lengths(ZERO, literals).lengths(HEADERS, headers).lengths(LENGTHS, lengths)


def test_lzx_block_that_is_right(codecs: Codecs) -> None:
    """The writer that the refusals below rely on: 'A', then a match of 5 at offset 1 (R0)."""
    bits = verbatim([int(symbol == 65) for symbol in range(256)], [int(symbol == 3) for symbol in range(240)], LENGTHS)
    assert codecs.decode("lzx", bits.put(0, 1).put(1, 1).raw(bytes(8)).bytes(), 6) == b"A" * 6


def test_lzx_match_first(codecs: Codecs) -> None:
    bits = verbatim([int(symbol == 65) for symbol in range(256)], [int(symbol == 3) for symbol in range(240)], LENGTHS)
    refused(codecs, "lzx", bits.put(1, 1).raw(bytes(8)).bytes(), 6, "before the data")


def test_lzx_match_past_the_end(codecs: Codecs) -> None:
    bits = verbatim([int(symbol == 65) for symbol in range(256)], [int(symbol == 3) for symbol in range(240)], LENGTHS)
    refused(codecs, "lzx", bits.put(0, 1).put(1, 1).raw(bytes(8)).bytes(), 5, "passes the end")


def test_lzx_symbols_of_empty_codes(codecs: Codecs) -> None:
    refused(codecs, "lzx", verbatim(ZERO, HEADERS, LENGTHS).raw(bytes(8)).bytes(), 6, "empty code")
    bits = verbatim([int(symbol == 65) for symbol in range(256)], [int(symbol == 7) for symbol in range(240)], LENGTHS)
    refused(codecs, "lzx", bits.put(0, 1).put(1, 1).raw(bytes(8)).bytes(), 60, "empty code")


@pytest.mark.parametrize("recent", [0, 5, 1 << 31, (1 << 32) - 1])
def test_lzx_offsets_of_a_raw_block(codecs: Codecs, recent: int) -> None:
    bits = raw_block((recent, 1, 1), b"abcd")
    bits.put(1, 3).put(1, 1)
    bits.lengths(ZERO, [int(symbol == 65) for symbol in range(256)])
    bits.lengths(HEADERS, [int(symbol == 3) for symbol in range(240)]).lengths(LENGTHS, LENGTHS)
    refused(codecs, "lzx", bits.put(1, 1).raw(bytes(8)).bytes(), 20, "before the data")


def test_lzx_raw_blocks(codecs: Codecs) -> None:
    data = raw_block((1, 1, 1), b"odd").bytes() + raw_block((1, 1, 1), b"even").bytes()
    assert codecs.decode("lzx", data, 7) == b"oddeven"
    assert codecs.decode("lzx", data, 3) == b"odd"
    refused(codecs, "lzx", data, 8, "ends inside|0 bytes")
    refused(codecs, "lzx", data[:14], 7, "ends inside")
    refused(codecs, "lzx", data[:10], 7, "header of a raw block")


def test_lzx_frames_out_of_bounds(codecs: Codecs) -> None:
    folder = codecs.lzx.LzxFolder(15)
    for size in (0, -1, 32769):
        with pytest.raises(FormatError, match="frame"):
            folder.decode_frame(vectors.CAB_LZX, size)
    folder.decode_frame(vectors.CAB_LZX, 64)
    with pytest.raises(FormatError, match="behind a short one"):
        folder.decode_frame(vectors.CAB_LZX, 64)
    for bits in (0, 14, 22, 1 << 40):
        with pytest.raises(FormatError, match="window"):
            codecs.lzx.LzxFolder(bits)


@pytest.mark.parametrize("chunk_size", [0, -1, 1 << 14, 1 << 22, 40_000])
def test_lzx_chunk_sizes(codecs: Codecs, chunk_size: int) -> None:
    with pytest.raises(FormatError, match="chunk size"):
        codecs.lzx.decompress_lzx_chunk(vectors.WIM_LZX_TEXT, 688, chunk_size=chunk_size)


def test_xpress_made_up(codecs: Codecs) -> None:
    refused(codecs, "xpress", bytes(300), 10, "empty code")
    refused(codecs, "xpress", b"\x11" * 300, 10, "over-subscribed")
    refused(codecs, "xpress", b"\x01" + bytes(299), 10, "incomplete")
    refused(codecs, "xpress", bytes(255), 10, "code lengths")
    first = bytearray(vectors.XPRESS_LONG)
    refused(codecs, "xpress", bytes(first[:256]) + b"\xff\xff" * 4, 100, "before the chunk|passes the end")
    short = bytes(first[:256]) + bytes.fromhex("00380000ff0e00")
    refused(codecs, "xpress", short, 4096, "long length")
    refused(codecs, "xpress", vectors.XPRESS_LONG, 4095, "passes the end")
    refused(codecs, "xpress", vectors.XPRESS_LONG[:-1], 4096, "inside a length")


def test_lzms_made_up(codecs: Codecs) -> None:
    for data in (b"", b"ab", b"abc", b"abcde"):
        refused(codecs, "lzms", data, 10, "words")
    refused(codecs, "lzms", b"\xff" * 8, 10)
    refused(codecs, "lzms", vectors.LZMS_TEXT[2:], 688)


@pytest.mark.parametrize("codec", ["lzx", "xpress", "lzms"])
def test_noise(codecs: Codecs, codec: str) -> None:
    numbers = random.Random(codec)
    rounds = 10_000 if codecs is installed() and is_compiled() else 300
    for _ in range(rounds):
        data = numbers.randbytes(2 * numbers.randrange(2, 300))
        if codec == "xpress":
            data = vectors.XPRESS_TEXT[:256] + data
        size = numbers.choice((1, 2, 3, 100, 4096, 32768))
        try:
            assert len(codecs.decode(codec, data, size)) == size
        except FormatError as error:
            assert error.format == codec


@pytest.mark.parametrize(("codec", "data", "size", "sha256"), CHUNKS, ids=NAMES)
def test_flipped_bits(codecs: Codecs, codec: str, data: bytes, size: int, sha256: str) -> None:
    numbers = random.Random(sha256)
    for _ in range(1000 if codecs is installed() and is_compiled() else 60):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 2, 8, 20))):
            spoilt[numbers.randrange(len(spoilt))] ^= 1 << numbers.randrange(8)
        try:
            assert len(codecs.decode(codec, bytes(spoilt), size)) == size
        except FormatError as error:
            assert error.format == codec


@pytest.mark.parametrize(("codec", "size"), [("lzx", 1 << 21), ("xpress", 1 << 16), ("lzms", 128 << 20)])
def test_a_small_chunk_takes_little_time_and_memory(codec: str, size: int) -> None:
    data = {"lzx": vectors.WIM_LZX_TEXT, "xpress": vectors.XPRESS_LONG, "lzms": vectors.LZMS_TEXT}[codec]
    tracemalloc.start()
    started = time.process_time()
    try:
        refused(installed(), codec, data, size)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 5
    assert most < size + (2 << 20)
