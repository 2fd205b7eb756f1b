"""VDI disks of VirtualBox: dynamic, fixed and differencing."""

import sys
from array import array
from pathlib import Path
from typing import Any
from uuid import UUID

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    MissingParentError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.container import Opened, Probe
from buildlab.sources.disks import c_vdi as c
from buildlab.sources.disks.block_disk import BlockDisk

_NEIGHBOURS = 1_000
"""Files beside a differencing disk that are looked at for its parent, which it does not name."""
_NO_UUID = bytes(16)


class VdiDisk(BlockDisk):
    """A VDI file as the disk it describes. Blocks that are free are read from `parent`, or as zeros without one."""

    def __init__(self, source: ByteSource, header: Any, parent: ByteSource | None, limits: Limits) -> None:
        super().__init__(int(header.disk_size), int(header.block_size))
        self._source = source
        self._parent = parent
        if self._block_size < c.SECTOR or self._block_size & (self._block_size - 1):
            raise FormatError("vdi", f"block size {self._block_size} is no power of two of at least {c.SECTOR}")
        entries = -(-self._size // self._block_size)
        if entries > header.blocks:
            raise FormatError("vdi", f"a disk of {self._size} bytes needs {entries} blocks, there are {header.blocks}")
        if 4 * entries > limits.disk_table_bytes:
            raise LimitExceededError(f"a block map of {entries} entries")
        data = source.read_at(header.blocks_offset, 4 * entries)
        if len(data) < 4 * entries:
            raise TruncatedError("VDI cut inside its block map", offset=source.size)
        self._map = array("I", data)
        if sys.byteorder == "big":
            self._map.byteswap()
        self._stride = self._block_size + int(header.block_extra)
        self._first = int(header.data_offset) + int(header.block_extra)

    def damage(self) -> tuple[BuildlabError, ...]:
        """Blocks behind the end of the file, and blocks that are two places of the disk at once."""
        used = max((entry for entry in self._map if entry < c.BLOCK_ZERO), default=-1)
        end = self._first + used * self._stride + self._block_size
        if used >= 0 and end > self._source.size:
            message = f"the VDI is cut: its blocks end at {end}"
            hint = "copy the file again; what is there was read"
            return (TruncatedError(message, offset=self._source.size, hint=hint),)
        seen = bytearray(used + 1)
        for entry in self._map:
            if entry < c.BLOCK_ZERO:
                if seen[entry]:
                    offset = self._first + entry * self._stride
                    return (FormatError("vdi", f"block {entry} of the file is two blocks of the disk", offset=offset),)
                seen[entry] = 1
        return ()

    def _read_block(self, block: int, within: int, length: int) -> bytes:
        entry = self._map[block]
        if entry == c.BLOCK_FREE and self._parent is not None:
            data = self._parent.read_at(block * self._block_size + within, length)
            return data.ljust(length, b"\0")
        if entry >= c.BLOCK_ZERO:
            return bytes(length)
        place = self._first + entry * self._stride + within
        data = self._source.read_at(place, length)
        if len(data) < length:
            raise TruncatedError(f"VDI cut inside block {block}", offset=min(place, self._source.size))
        return data


def _header(source: ByteSource) -> Any:
    data = source.read_at(0, c.HEADER_SIZE)
    if len(data) < c.HEADER_SIZE:
        raise TruncatedError("VDI cut inside its header", offset=len(data))
    header = c.definitions().header(data)
    if header.major_version != c.MAJOR_VERSION:
        version = f"{header.major_version}.{header.minor_version}"
        raise UnsupportedContentError(f"VDI of version {version}", offset=68, hint="convert it to raw with VirtualBox")
    if header.header_size < c.SHORTEST_HEADER:
        raise FormatError("vdi", f"a header of {header.header_size} bytes", offset=72)
    return header


def _parent_path(probe: Probe, wanted: bytes) -> Path:
    """The VDI with the UUID `wanted`: one that the user gave, else one beside. The child states no name for it."""
    if probe.tree is not None:
        raise UnsupportedContentError("differencing VDI inside another container", hint="extract it with its parents")
    found = probe.parent_candidates([f"{{{UUID(bytes_le=wanted)}}}.vdi"])
    try:
        others = sorted(sibling for sibling in probe.path.parent.iterdir() if sibling.suffix.lower() == ".vdi")
    except OSError:  # a folder that may not be listed
        others = []
    for path in dict.fromkeys([*found, *others[:_NEIGHBOURS]]):
        if path.is_file() and _uuids(path)[0] == wanted:
            return path
    raise MissingParentError(
        f"differencing VDI: its parent, the VDI with UUID {UUID(bytes_le=wanted)}, is missing",
        path=str(probe.path),
        hint="lay it beside this file, or name it with --parent",
    )


def _uuids(path: Path) -> tuple[bytes, bytes]:
    """The UUIDs of a VDI and of its last modification; zeros where the file is none or cannot be read."""
    try:
        with HostFile(path) as file:
            header = _header(file)
            known = file.read_at(c.SIGNATURE_OFFSET, 4) == c.SIGNATURE
    except BuildlabError:
        return _NO_UUID, _NO_UUID
    return (bytes(header.uuid_create), bytes(header.uuid_modify)) if known else (_NO_UUID, _NO_UUID)


def _open_parent(probe: Probe, header: Any, limits: Limits) -> Opened:
    """The parent, with damage where it was changed after the child was made."""
    wanted, state = bytes(header.uuid_linkage), bytes(header.uuid_parent_modify)
    if wanted == _NO_UUID:
        raise FormatError("vdi", "a differencing disk that states no parent", offset=424)
    path = _parent_path(probe, wanted)
    parent = probe.open_parent(path, limits)
    if state in (_NO_UUID, _uuids(path)[1]):
        return parent
    changed = FormatError("vdi", "the parent was changed after the differencing disk was made", path=str(path))
    return Opened(disk=parent.disk, damage=(*parent.damage, changed), files=parent.files)


def open_vdi(probe: Probe, limits: Limits) -> Opened:
    """The disk of a VDI; FormatError or TruncatedError where it is damaged, MissingParentError without its parent."""
    source = probe.source
    assert source is not None
    header = _header(source)
    if header.disk_size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"VDI states a disk of {header.disk_size} bytes")
    if header.image_type == c.TYPE_UNDO:
        raise UnsupportedContentError("VDI undo image", offset=76, hint="merge it into its parent first")
    if header.image_type not in (c.TYPE_DYNAMIC, c.TYPE_FIXED, c.TYPE_DIFFERENCING):
        raise FormatError("vdi", f"image type {header.image_type} is not known", offset=76)
    parent = _open_parent(probe, header, limits) if header.image_type == c.TYPE_DIFFERENCING else Opened()
    disk = VdiDisk(source, header, parent.disk, limits)
    identity = str(UUID(bytes_le=bytes(header.uuid_create)))
    return Opened(disk=disk, damage=(*disk.damage(), *parent.damage), identity=identity, files=parent.files)
