"""VHD disks: fixed, dynamic, and differencing on top of a parent."""

import re
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, MissingParentError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import Extent
from buildlab.sources.container import Opened, Probe
from buildlab.sources.disks import c_vhd as c
from buildlab.sources.disks.block_disk import BlockDisk
from buildlab.sources.disks.joined import Background
from buildlab.sources.disks.parents import Parent, open_identified_parent

_RUN = re.compile("0+|1+")
_KEPT_BITMAP_BYTES = 4 << 20
_NAME_BYTES = 64 << 10
"""Length of a stated name that is read."""
_NO_IDENTITY = str(UUID(int=0))


class DynamicDisk(BlockDisk):
    """A dynamic or differencing VHD as the disk it describes.

    Blocks that are absent show the background. With `by_sector`, as in a differencing disk, so does every sector of a
    block whose bit is not set in the block's bitmap.
    """

    def __init__(
        self,
        source: ByteSource,
        size: int,
        header: Any,
        limits: Limits,
        *,
        background: Background,
        by_sector: bool = False,
    ) -> None:
        super().__init__(size, _block_size(header))
        self._source = source
        self._background = background
        self._by_sector = by_sector
        entries = -(-size // self._block_size)
        if entries > header.max_table_entries:
            raise FormatError(
                "vhd", f"a disk of {size} bytes needs {entries} blocks, the table has {header.max_table_entries}"
            )
        if 4 * entries > limits.disk_table_bytes:
            raise LimitExceededError(f"a block allocation table of {entries} entries")
        if header.table_offset + 4 * entries > source.size:
            raise TruncatedError("VHD cut inside its block allocation table", offset=source.size)
        self._table = array("I", source.read_at(header.table_offset, 4 * entries))
        if sys.byteorder == "little":
            self._table.byteswap()
        self._last_sector = max((sector for sector in self._table if sector != c.BLOCK_ABSENT), default=0)
        bitmap_bytes = -(-self._block_size // c.SECTOR // 8)
        self._bitmap_size = -(-bitmap_bytes // c.SECTOR) * c.SECTOR
        self._bitmaps: dict[int, bytes] = {}
        self._kept_bitmaps = max(1, _KEPT_BITMAP_BYTES // self._bitmap_size)

    @property
    def farthest_block(self) -> int:
        """Offset in the file at which the block farthest from its start begins."""
        return self._last_sector * c.SECTOR

    def _read_block(self, block: int, within: int, length: int) -> bytes:
        if self._table[block] == c.BLOCK_ABSENT:
            return self._background.read(block * self._block_size + within, length)
        if not self._by_sector:
            return self._stored(block, within, length)
        parts = [
            self._stored(block, start, size)
            if is_stored
            else self._background.read(block * self._block_size + start, size)
            for is_stored, start, size in self._runs(block, within, length)
        ]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _runs(self, block: int, within: int, length: int) -> Iterator[tuple[bool, int, int]]:
        """Stretches of a block, cut at sectors: whether this disk stores them, where in the block, and how long."""
        end = within + length
        first, last = within // c.SECTOR, (end - 1) // c.SECTOR
        first_byte = first // 8
        octets = self._bitmap(block)[first_byte : last // 8 + 1]
        bits = f"{int.from_bytes(octets):0{8 * len(octets)}b}"[first - 8 * first_byte : last + 1 - 8 * first_byte]
        for run in _RUN.finditer(bits):
            start = max(within, (first + run.start()) * c.SECTOR)
            yield run[0][0] == "1", start, min(end, (first + run.end()) * c.SECTOR) - start

    def _bitmap(self, block: int) -> bytes:
        """The sector bitmap of a block: one bit a sector, the most significant bit of a byte first."""
        bitmap = self._bitmaps.get(block)
        if bitmap is None:
            place = self._table[block] * c.SECTOR
            bitmap = self._source.read_at(place, self._bitmap_size)
            if len(bitmap) < self._bitmap_size:
                raise TruncatedError(f"VHD cut in the bitmap of block {block}", offset=min(place, self._source.size))
            if len(self._bitmaps) >= self._kept_bitmaps:
                del self._bitmaps[next(iter(self._bitmaps))]
            self._bitmaps[block] = bitmap
        return bitmap

    def _stored(self, block: int, within: int, length: int) -> bytes:
        place = self._table[block] * c.SECTOR + self._bitmap_size + within
        data = self._source.read_at(place, length)
        if len(data) < length:
            raise TruncatedError(f"VHD cut inside block {block}", offset=min(place, self._source.size))
        return data


def _block_size(header: Any) -> int:
    size = int(header.block_size)
    if size < c.SECTOR or size & (size - 1):
        raise FormatError("vhd", f"block size {size} is no power of two of at least {c.SECTOR}")
    return size


def _checksum(data: bytes, offset: int) -> int:
    """One's complement of the sum of all bytes, those of the checksum itself taken as zero."""
    return ~(sum(data) - sum(data[offset : offset + 4])) & 0xFFFFFFFF


def _footer(probe: Probe) -> Any:
    """The footer at the end, or its copy at the start where that one is missing or damaged."""
    ends = [probe.tail[-size:].ljust(c.FOOTER_SIZE, b"\0") for size in (512, 511)]
    candidates = [data for data in (*ends, probe.head[: c.FOOTER_SIZE]) if data[:8] == c.COOKIE and len(data) == 512]
    if not candidates:
        raise TruncatedError("VHD cut inside its footer", offset=len(probe.head))
    best = next((data for data in candidates if _checksum(data, 64) == int.from_bytes(data[64:68])), candidates[0])
    return c.definitions().footer(best)


def _identity(unique_id: bytes) -> str:
    return str(UUID(bytes=unique_id))


def _stated_names(source: ByteSource, header: Any) -> list[str]:
    """Names of the parent, all untrusted: those of the locators, then the one in the header.

    The space of a locator is counted in bytes by some writers and in sectors by others, so its length is used.
    """
    names: list[str] = []
    for locator in header.parent_locators:
        encoding = c.LOCATOR_ENCODINGS.get(locator.platform_code)
        if encoding is not None and locator.data_length <= _NAME_BYTES:
            text = source.read_at(locator.data_offset, locator.data_length).decode(encoding, "replace")
            names.append(unquote(text) if locator.platform_code == c.LOCATOR_MAC_URL else text)
    names.append(header.parent_unicode_name.decode("utf-16-be", "replace"))
    cut = (name.partition("\0")[0] for name in names)
    return list(dict.fromkeys(name for name in cut if name))


def _parent(probe: Probe, source: ByteSource, header: Any, limits: Limits) -> Parent:
    """The parent: the disk beside this one, or named by the user, whose unique id this one states."""

    def identify(path: Path) -> str | None:
        candidate = Probe(path=path, source=probe.files.open(path))
        return _identity(_footer(candidate).unique_id) if c.has_cookie(candidate.head, candidate.tail) else None

    return open_identified_parent(
        probe,
        limits,
        child="differencing VHD",
        stated=_stated_names(source, header),
        wanted=_identity(header.parent_unique_id),
        identify=identify,
        nameless=_NO_IDENTITY,
    )


def open_vhd(probe: Probe, limits: Limits) -> Opened:
    """The disk of a VHD; FormatError or TruncatedError where it is damaged, MissingParentError without its parent."""
    source = probe.source
    assert source is not None
    footer = _footer(probe)
    size, identity = int(footer.current_size), _identity(footer.unique_id)
    if size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"VHD states a disk of {size} bytes")
    if footer.disk_type == c.TYPE_FIXED:
        return Opened(disk=Extent(source, 0, size), identity=identity)
    if footer.disk_type not in (c.TYPE_DYNAMIC, c.TYPE_DIFFERENCING):
        raise FormatError("vhd", f"disk type {footer.disk_type} is not known", offset=60)
    data = source.read_at(footer.data_offset, c.HEADER_SIZE)
    if len(data) < c.HEADER_SIZE:
        raise TruncatedError("VHD cut inside its dynamic header", offset=source.size)
    if data[:8] != c.HEADER_COOKIE:
        raise FormatError("vhd", "no dynamic header where the footer says", offset=int(footer.data_offset))
    header = c.definitions().dynamic_header(data)
    if footer.disk_type == c.TYPE_DYNAMIC:
        disk = DynamicDisk(source, size, header, limits, background=Background())
        return Opened(disk=disk, damage=_damage(probe, source, disk), identity=identity)
    parent = _parent(probe, source, header, limits)
    background = Background(parent.disk, 0, str(parent.path))
    disk = DynamicDisk(source, size, header, limits, background=background, by_sector=True)
    damage = (*_damage(probe, source, disk), *_unproved(parent, header), *parent.damage)
    return Opened(disk=disk, damage=damage, identity=identity, files=parent.files)


def _unproved(parent: Parent, header: Any) -> tuple[BuildlabError, ...]:
    """A parent without an identifier may be the wrong disk, even where the user named it."""
    if not parent.is_unproved:
        return ()
    wanted = _identity(header.parent_unique_id)
    message = f"the parent has no identifier; that it is the disk {wanted} could not be checked"
    return (MissingParentError(message, path=str(parent.path)),)


def _damage(probe: Probe, source: ByteSource, disk: DynamicDisk) -> tuple[BuildlabError, ...]:
    """A dynamic disk has its footer twice; without the one at the end the file was cut."""
    if not c.ends_with_footer(probe.tail):
        missing = "the VHD is cut: its footer at the end is missing, and the copy at the start was used"
        return (TruncatedError(missing, offset=source.size, hint="copy the file again; what is there was read"),)
    if disk.farthest_block >= source.size:
        return (FormatError("vhd", "blocks lie behind the end of the file", offset=disk.farthest_block),)
    return ()
