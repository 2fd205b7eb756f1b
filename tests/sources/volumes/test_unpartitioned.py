"""A disk that is one volume."""

from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.volume import Partition
from buildlab.sources.volumes.unpartitioned import UNPARTITIONED


def test_the_whole_disk_is_part_1() -> None:
    disk = MemoryBytes(b"\xeb\x52\x90NTFS    " + bytes(10_000))
    assert UNPARTITIONED.probe(disk)
    assert UNPARTITIONED.read(disk, DEFAULT_LIMITS).partitions == (
        Partition(number=1, start=0, size=disk.size, type="volume", expect_windows=True),
    )
