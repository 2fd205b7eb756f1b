"""What tests of disk images share: content for them, opening them, and comparing them with that content."""

import hashlib
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from buildlab.errors import BuildlabError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.open_files import OpenFiles


def random_disk(size: int, seed: int = 1) -> bytes:
    """Stretches that deflate badly and well, with holes between them."""
    numbers = random.Random(seed)
    data = bytearray(size)
    for number in range(30):
        start = numbers.randrange(size)
        length = min(numbers.randrange(1, max(2, size // 20)), size - start)
        data[start : start + length] = numbers.randbytes(length) if number % 2 else b"\xa5" * length
    data[:4], data[-4:] = b"head", b"tail"
    return bytes(data)


@contextmanager
def open_image(
    image: ContainerFormat, path: Path, parents: tuple[Path, ...] = (), limits: Limits = DEFAULT_LIMITS
) -> Iterator[Opened]:
    """An image file opened as one format; its files are closed afterwards."""
    files = OpenFiles()
    try:
        probe = Probe(path=path, source=files.open(path), files=files, parents=parents)
        assert image.probe(probe)
        assert image.open is not None
        yield image.open(probe, limits)
    finally:
        files.close()


def disk_of(opened: Opened) -> ByteSource:
    assert opened.disk is not None
    return opened.disk


def open_bytes(image: ContainerFormat, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Opened:
    """An image in memory, with no files beside it."""
    probe = Probe(Path("/nowhere/disk"), MemoryBytes(data))
    assert image.probe(probe)
    assert image.open is not None
    return image.open(probe, limits)


def assert_same(disk: ByteSource, raw: bytes, seed: int = 1) -> None:
    """Equal in size, as a whole by SHA-256, and at random places."""
    assert disk.size == len(raw)
    digest = hashlib.sha256()
    for offset in range(0, disk.size, 1 << 20):
        digest.update(disk.read_at(offset, 1 << 20))
    assert digest.hexdigest() == hashlib.sha256(raw).hexdigest()
    numbers = random.Random(seed)
    for _ in range(150):
        offset, length = numbers.randrange(len(raw)), numbers.choice((1, 512, 70_000, 300_000))
        assert disk.read_at(offset, length) == raw[offset : offset + length], (offset, length)
    assert disk.read_at(disk.size, 10) == disk.read_at(1 << 62, 10) == disk.read_at(-1, 10) == b""


def readable_pieces(disk: ByteSource, step: int) -> Iterator[tuple[int, bytes]]:
    """All pieces of a disk that can be read; those that raise an error of ours are left out."""
    for offset in range(0, min(disk.size, 64 << 20), step):
        try:
            yield offset, disk.read_at(offset, step)
        except BuildlabError:
            continue


def run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
