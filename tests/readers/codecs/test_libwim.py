"""What libwim's encoders make of binaries and texts, at every chunk size, decodes to what they were given."""

import random
import sys
import sysconfig
import tracemalloc
from functools import cache
from pathlib import Path

import pytest

from buildlab.readers.codecs import compiled_codecs
from tests.readers.codecs.libwim import compress
from tests.readers.codecs.variants import Codecs, installed, plain

SIZES = {
    "xpress": [1 << power for power in range(12, 17)],
    "lzx": [1 << power for power in range(15, 22)],
    "lzms": [1 << power for power in (15, 16, 17, 20, 22)],
}
CASES = [(codec, size) for codec, sizes in SIZES.items() for size in sizes]
PLAIN_BYTES = 200_000


def x86_code() -> bytes:
    """Instructions whose calls and addresses the filters of both formats look for."""
    numbers = random.Random(86)
    parts = []
    at = 0
    for _ in range(40_000):
        target = numbers.randrange(64) * 4096
        kind = numbers.choice(
            (b"\xe8", b"\x48\x8d\x0d", b"\x48\x8b\x05", b"\xff\x15", b"\xe9", b"\xf0\x83\x05", b"\x90")
        )
        part = kind if kind == b"\x90" else kind + (target - at).to_bytes(4, "little", signed=True)
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def records() -> bytes:
    """Numbers in tables, which LZMS takes for differences."""
    return b"".join(i.to_bytes(4, "little") + (3 * i).to_bytes(4, "little") + bytes(i % 5) for i in range(20_000))


@cache
def material() -> dict[str, bytes]:
    numbers = random.Random(3)
    binary = Path(sys.executable).resolve().read_bytes()[:2_500_000]
    library = Path(sysconfig.get_paths()["stdlib"])
    text = b"".join(path.read_bytes() for path in sorted(library.glob("*.py")))[:2_500_000]
    return {
        "binary": binary,
        "text": text,
        "x86": x86_code(),
        "records": records(),
        "zeros": bytes(300_000),
        "noise between": text[:50_000] + numbers.randbytes(50_000) + text[:50_000],
        "one byte": b"x",
        "two values": bytes(numbers.choice(b"ab") for _ in range(70_000)),
    }


def decoded(codecs: Codecs, codec: str, stored: bytes, size: int, chunk_size: int) -> bytes:
    if codec == "lzx":
        found = codecs.lzx.decompress_lzx_chunk(stored, size, chunk_size=chunk_size)
        assert isinstance(found, bytes)
        return found
    return codecs.decode(codec, stored, size)


@pytest.mark.parametrize(("codec", "chunk_size"), CASES)
@pytest.mark.parametrize(
    "name", ["binary", "text", "x86", "records", "zeros", "noise between", "one byte", "two values"]
)
def test_installed(codec: str, chunk_size: int, name: str) -> None:
    data = material()[name]
    if not compiled_codecs()[codec]:
        data = data[:PLAIN_BYTES]
    for chunk in compress(codec, data, chunk_size):
        if chunk.stored is not None:
            assert decoded(installed(), codec, chunk.stored, len(chunk.plain), chunk_size) == chunk.plain


@pytest.mark.parametrize(
    ("codec", "chunk_size"), [("xpress", 4096), ("lzx", 1 << 15), ("lzx", 1 << 17), ("lzms", 1 << 16)]
)
@pytest.mark.parametrize("name", ["binary", "text", "x86", "records", "noise between"])
def test_plain(codec: str, chunk_size: int, name: str) -> None:
    for chunk in compress(codec, material()[name][:PLAIN_BYTES], chunk_size):
        if chunk.stored is not None:
            assert decoded(plain(), codec, chunk.stored, len(chunk.plain), chunk_size) == chunk.plain


@pytest.mark.parametrize("level", [10, 20, 100])
@pytest.mark.parametrize(("codec", "chunk_size"), [("xpress", 1 << 15), ("lzx", 1 << 15), ("lzms", 1 << 20)])
def test_levels(codec: str, chunk_size: int, level: int) -> None:
    for chunk in compress(codec, material()["binary"][:600_000], chunk_size, level):
        if chunk.stored is not None:
            assert decoded(installed(), codec, chunk.stored, len(chunk.plain), chunk_size) == chunk.plain


@pytest.mark.parametrize("extra", [-1, 0, 1, 5000])
def test_last_chunks_of_every_kind(extra: int) -> None:
    """A short last chunk is coded for the chunk size of its file."""
    data = material()["text"][: (1 << 17) + extra]
    for chunk in compress("lzx", data, 1 << 16):
        if chunk.stored is not None:
            assert decoded(installed(), "lzx", chunk.stored, len(chunk.plain), 1 << 16) == chunk.plain


@pytest.mark.parametrize(("codec", "size"), [("lzx", 1 << 21), ("lzms", 1 << 23)])
def test_a_chunk_is_held_once(codec: str, size: int) -> None:
    [chunk] = compress(codec, bytes(size), size)
    assert chunk.stored is not None
    tracemalloc.start()
    try:
        assert decoded(installed(), codec, chunk.stored, size, size) == chunk.plain
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1.4 * size
