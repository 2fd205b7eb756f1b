"""Contents of disks, and how a disk that was opened is held against what it should read as."""

import random
from pathlib import Path

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.container import Opened, Probe, choose_container, open_container
from buildlab.sources.open_files import OpenFiles


def disk_content(size: int, seed: int = 1) -> bytes:
    """Random stretches and compressible ones, with holes between them."""
    numbers = random.Random(seed)
    data = bytearray(size)
    for number in range(16):
        start = numbers.randrange(size)
        length = min(numbers.randrange(1, size // 10), size - start)
        piece = numbers.randbytes(length) if number % 2 else b"compressible" * (length // 12)
        data[start : start + len(piece)] = piece
    return bytes(data)


def opened(
    path: Path,
    files: OpenFiles,
    *,
    limits: Limits = DEFAULT_LIMITS,
    parents: tuple[Path, ...] = (),
    content: bytes | None = None,
) -> Opened:
    """The container at `path`, as recognised; `content` stands in for that of the file."""
    source = files.open(path) if content is None else MemoryBytes(content)
    probe = Probe(path, source, files, parents)
    return open_container(choose_container(probe), probe, limits)


def disk_of(found: Opened) -> ByteSource:
    """The disk that was opened."""
    assert found.disk is not None
    return found.disk


def assert_reads_as(disk: ByteSource, raw: bytes, *, block: int = 65536, seed: int = 1, reads: int = 300) -> None:
    """As a whole, in steps of odd length, round the borders of blocks, and at random places."""
    assert disk.size == len(raw)
    assert disk.read_at(0, disk.size) == raw
    assert b"".join(disk.read_at(at, 40_961) for at in range(0, len(raw), 40_961)) == raw
    numbers = random.Random(seed)
    places = [(start + delta, 40) for start in range(0, len(raw), block) for delta in (-20, 0, block - 1)]
    places += [(numbers.randrange(len(raw)), numbers.randrange(1, 3 * block)) for _ in range(reads)]
    for offset, length in places:
        if offset >= 0:
            assert disk.read_at(offset, length) == raw[offset : offset + length], (offset, length)
    assert disk.read_at(disk.size, 10) == disk.read_at(1 << 62, 10) == disk.read_at(-1, 10) == b""
