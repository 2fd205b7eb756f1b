"""File systems: what a volume holds. One module of `filesystems` for each, found by discovery."""

from collections.abc import Callable
from dataclasses import dataclass, field

from buildlab.discovery import discover
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.encryption import Unlocked, VolumeKeys
from buildlab.sources.tree import Tree

_BOOT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """A file system. `probe` sees the first 4 KiB of the volume; probes are exclusive.

    `open` gives the tree, or raises the error that says why there can be none (encrypted, not supported). It is None
    for a file system that never holds an installed Windows: `passed_over` then says what such a volume is for. For one
    that encrypts another it is None too, and `unlock` gives the content, or raises EncryptedVolumeError.
    """

    name: str
    probe: Callable[[bytes], bool]
    open: Callable[[ByteSource, Limits], Tree] | None = field(default=None)
    unlock: Callable[[ByteSource, VolumeKeys, Limits], Unlocked] | None = field(default=None)
    has_shadow_copies: bool = field(default=False)
    """Whether Windows keeps shadow copies of such a volume within it."""
    stated_size: Callable[[bytes], int] = field(default=lambda boot: 0)
    """The size in bytes that the first sector states, 0 where it states none."""
    passed_over: str = field(default="")


def file_systems() -> tuple[FileSystem, ...]:
    """All file systems."""
    from buildlab.sources import filesystems

    return discover(filesystems, FileSystem)


def recognise_file_system(volume: ByteSource) -> FileSystem | None:
    """The file system that a volume begins with, or None."""
    boot = volume.read_at(0, min(_BOOT, volume.size))
    return next((system for system in file_systems() if system.probe(boot)), None)


def missing_bytes(system: FileSystem, volume: ByteSource) -> int:
    """How many bytes a volume lacks of the size that its file system states."""
    return max(0, system.stated_size(volume.read_at(0, 512)) - volume.size)
