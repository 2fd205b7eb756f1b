"""VHD disks, fixed and dynamic."""

import sys
from array import array
from typing import Any

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import Extent
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.containers import c_vhd as c


class DynamicDisk:
    """A dynamic VHD as the disk it describes. Blocks that are absent read as zeros."""

    def __init__(self, source: ByteSource, size: int, header: Any, limits: Limits) -> None:
        self._source = source
        self._size = size
        self._block_size = _block_size(header)
        entries = -(-size // self._block_size)
        if entries > header.max_table_entries:
            raise FormatError(
                "vhd", f"a disk of {size} bytes needs {entries} blocks, the table has {header.max_table_entries}"
            )
        if 4 * entries > limits.disk_table_bytes:
            raise LimitExceededError(f"a block allocation table of {entries} entries")
        table = source.read_at(header.table_offset, 4 * entries)
        if len(table) < 4 * entries:
            raise TruncatedError("VHD cut inside its block allocation table", offset=source.size)
        self._table = array("I", table)
        if sys.byteorder == "little":
            self._table.byteswap()
        self._last_sector = max((sector for sector in self._table if sector != c.BLOCK_ABSENT), default=0)
        bitmap_bytes = -(-self._block_size // c.SECTOR // 8)
        self._bitmap_size = -(-bitmap_bytes // c.SECTOR) * c.SECTOR

    @property
    def size(self) -> int:
        return self._size

    @property
    def farthest_block(self) -> int:
        """Offset in the file at which the block farthest from its start begins."""
        return self._last_sector * c.SECTOR

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        block, within = divmod(offset, self._block_size)
        if within + length <= self._block_size:
            return self._read_block(block, within, length)
        parts: list[bytes] = []
        while length > 0:
            take = min(length, self._block_size - within)
            parts.append(self._read_block(block, within, take))
            block, within, length = block + 1, 0, length - take
        return b"".join(parts)

    def _read_block(self, block: int, within: int, length: int) -> bytes:
        sector = self._table[block]
        if sector == c.BLOCK_ABSENT:
            return bytes(length)
        place = sector * c.SECTOR + self._bitmap_size + within
        data = self._source.read_at(place, length)
        if len(data) < length:
            raise TruncatedError(f"VHD cut inside block {block}", offset=min(place, self._source.size))
        return data


def _block_size(header: Any) -> int:
    size = int(header.block_size)
    if size < c.SECTOR or size & (size - 1):
        raise FormatError("vhd", f"block size {size} is no power of two of at least {c.SECTOR}")
    return size


def _probe(probe: Probe) -> bool:
    """The cookie in the last sector (511 bytes in files of old Virtual PC versions), or in the copy at the start."""
    if probe.source is None:
        return False
    return c.COOKIE in (probe.head[:8], probe.tail[-512:][:8], probe.tail[-511:][:8])


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


def _open(probe: Probe, limits: Limits) -> Opened:
    source = probe.source
    assert source is not None
    footer = _footer(probe)
    size = int(footer.current_size)
    if size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"VHD states a disk of {size} bytes")
    if footer.disk_type == c.TYPE_FIXED:
        return Opened(disk=Extent(source, 0, size))
    if footer.disk_type == c.TYPE_DIFFERENCING:
        raise UnsupportedContentError(
            "differencing VHD: it holds only what differs from its parent disk", hint="merge it into its parent first"
        )
    if footer.disk_type != c.TYPE_DYNAMIC:
        raise FormatError("vhd", f"disk type {footer.disk_type} is not known", offset=60)
    data = source.read_at(footer.data_offset, c.HEADER_SIZE)
    if len(data) < c.HEADER_SIZE:
        raise TruncatedError("VHD cut inside its dynamic header", offset=source.size)
    if data[:8] != c.HEADER_COOKIE:
        raise FormatError("vhd", "no dynamic header where the footer says", offset=int(footer.data_offset))
    disk = DynamicDisk(source, size, c.definitions().dynamic_header(data), limits)
    return Opened(disk=disk, damage=_damage(probe, source, disk))


def _damage(probe: Probe, source: ByteSource, disk: DynamicDisk) -> tuple[BuildlabError, ...]:
    """A dynamic disk has its footer twice; without the one at the end the file was cut."""
    if c.COOKIE not in (probe.tail[-512:][:8], probe.tail[-511:][:8]):
        missing = "the VHD is cut: its footer at the end is missing, and the copy at the start was used"
        return (TruncatedError(missing, offset=source.size, hint="copy the file again; what is there was read"),)
    if disk.farthest_block >= source.size:
        return (FormatError("vhd", "blocks lie behind the end of the file", offset=disk.farthest_block),)
    return ()


VHD = ContainerFormat(kind="vhd", name="VHD disk", probe=_probe, open=_open)
