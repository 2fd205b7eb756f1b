"""A VHDX in memory or on the host, opened as a target is."""

import random
from pathlib import Path

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.byte_sources import HostPath
from buildlab.sources.container import Opened, Probe
from buildlab.sources.containers.vhdx import VHDX
from buildlab.sources.open_files import OpenFiles

MIB = 1 << 20
FILES = OpenFiles()
"""Parents that were opened; close them after each test that opens any."""


def disk_content(size: int, seed: int = 1) -> bytes:
    """Random stretches with holes between them."""
    numbers = random.Random(seed)
    data = bytearray(size)
    for _ in range(12):
        start = numbers.randrange(size)
        piece = numbers.randbytes(min(numbers.randrange(1, size // 8), size - start))
        data[start : start + len(piece)] = piece
    data[:4], data[-4:] = b"head", b"tail"
    return bytes(data)


def opened(
    target: bytes | bytearray | Path, *, parents: tuple[Path, ...] = (), limits: Limits = DEFAULT_LIMITS
) -> Opened:
    """The container as opened; errors come out."""
    source: ByteSource
    if isinstance(target, Path):
        path, source = target, HostPath(target, target.stat().st_size)
    else:
        path, source = Path("disk.vhdx"), MemoryBytes(bytes(target))
    probe = Probe(path, source, FILES, parents)
    assert VHDX.probe(probe)
    assert VHDX.open is not None
    return VHDX.open(probe, limits)


def disk_of(
    target: bytes | bytearray | Path, *, parents: tuple[Path, ...] = (), limits: Limits = DEFAULT_LIMITS
) -> ByteSource:
    """The disk of a sound container."""
    container = opened(target, parents=parents, limits=limits)
    assert container.disk is not None
    assert container.damage == ()
    return container.disk


def assert_same(disk: ByteSource, raw: bytes, block: int = MIB) -> None:
    """Whole, at block borders, and at random places."""
    assert disk.size == len(raw)
    assert disk.read_at(0, len(raw)) == raw
    numbers = random.Random(len(raw))
    places = [(start + delta, 20) for start in range(0, len(raw), block) for delta in (-10, 0, block - 1)]
    places += [(numbers.randrange(len(raw)), numbers.choice((1, 600, 5000, 70_000))) for _ in range(300)]
    for offset, length in places:
        if offset >= 0 and offset + length <= len(raw):
            assert disk.read_at(offset, length) == raw[offset : offset + length], (offset, length)
