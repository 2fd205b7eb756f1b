"""A disk that is one volume."""

from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.file_system import recognise_file_system
from buildlab.sources.volume import Partition, PartitionScheme, PartitionTable


def _probe(disk: ByteSource) -> bool:
    return recognise_file_system(disk) is not None


def _read(disk: ByteSource, limits: Limits) -> PartitionTable:
    return PartitionTable(
        partitions=(Partition(number=1, start=0, size=disk.size, type="volume", expect_windows=True),)
    )


UNPARTITIONED = PartitionScheme(name="unpartitioned", probe=_probe, read=_read)
