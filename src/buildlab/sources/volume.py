"""Volumes: how a disk is divided. One module of `volumes` for each partitioning scheme, found by discovery."""

from collections.abc import Callable
from dataclasses import dataclass, field

from buildlab.discovery import discover
from buildlab.errors import BuildlabError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.source_check import SourceCheck

SECTOR_SIZES = (512, 4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition. `number` counts from 1 as addresses do; `start` and `size` in bytes; `type` in words or hex.

    `expect_windows` is True where the table says that it holds a file system of Windows, so that unreadable content is
    worth an error; `refuse` says why a partition cannot be read at all.
    """

    number: int
    start: int
    size: int
    type: str
    name: str = ""
    expect_windows: bool = False
    refuse: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionTable:
    """The partitions of one disk, in the order of their numbers.

    `disk_size` is the size in bytes that the table itself states for the disk, 0 where it states none; `damage`
    is what keeps partitions from being found.
    """

    partitions: tuple[Partition, ...]
    disk_size: int = 0
    damage: tuple[BuildlabError, ...] = ()
    checks: tuple[SourceCheck, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionScheme:
    """A partitioning scheme. Probes are exclusive."""

    name: str
    probe: Callable[[ByteSource], bool]
    read: Callable[[ByteSource, Limits], PartitionTable]


def partition_schemes() -> tuple[PartitionScheme, ...]:
    """All partitioning schemes."""
    from buildlab.sources import volumes

    return discover(volumes, PartitionScheme)
