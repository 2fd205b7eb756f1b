"""QCOW2 disks, versions 2 and 3: the active state, not that of internal snapshots.

Reference counts are no part of reading; they tell only how long the file should be.
"""

import importlib
import sys
import zlib
from array import array
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from buildlab.errors import (
    BuildlabError,
    EncryptedVolumeError,
    FormatError,
    LimitExceededError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.container import Opened, Probe
from buildlab.sources.disks import c_qcow2 as c
from buildlab.sources.disks.backing_file import open_backing

_TABLES_KEPT = 4 << 20
_CLUSTERS_KEPT = 2 << 20
"""Bytes of second-level tables and of unpacked clusters that one disk of a chain keeps."""

_Unpack = Callable[[bytes, int], bytes]


class _State(Enum):
    """What a stretch of the disk is."""

    DATA = auto()
    COMPRESSED = auto()
    ZEROS = auto()
    ABSENT = auto()


class Qcow2Disk:
    """A QCOW2 file as the disk it describes. What is absent is read from `backing`, or as zeros where that is None.

    Behind the end of a backing file that is shorter there are zeros. Raises FormatError for entries that cannot be,
    TruncatedError for tables and clusters behind the end of the file.
    """

    def __init__(self, source: ByteSource, header: Any, backing: ByteSource | None, limits: Limits) -> None:
        self._source = source
        self._backing = backing
        self._version = int(header.version)
        self._size = int(header.disk_size)
        self._cluster = 1 << header.cluster_bits
        self._words = 2 if header.incompatible_features & c.EXTENDED_L2 else 1
        self._entries = self._cluster // (8 * self._words)
        self._sector_shift = 62 - (header.cluster_bits - 8)
        self._unpack = _inflate if header.compression_type == c.COMPRESSION_ZLIB else _unpack_zstd
        self._l1 = self._first_level(header, limits)
        self._tables: dict[int, array[int]] = {}
        self._clusters: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        return self._size

    @property
    def farthest_table(self) -> int:
        """Offset in the file at which the second-level table farthest from its start begins; 0 without any."""
        return max((entry & c.ENTRY_OFFSET for entry in self._l1), default=0)

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        parts: list[bytes] = []
        while length > 0:
            state, place, run = self._run(offset, length)
            parts.append(self._read_run(state, place, offset, run))
            offset, length = offset + run, length - run
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _first_level(self, header: Any, limits: Limits) -> "array[int]":
        clusters = -(-self._size // self._cluster)
        needed = -(-clusters // self._entries)
        if 8 * needed > limits.disk_table_bytes:
            raise LimitExceededError(f"a first-level table of {needed} entries")
        if needed > header.l1_size:
            raise FormatError(
                "qcow2", f"a disk of {self._size} bytes needs {needed} second-level tables, there are {header.l1_size}"
            )
        data = self._source.read_at(header.l1_table_offset, 8 * needed) if needed else b""
        if len(data) < 8 * needed:
            raise TruncatedError("QCOW2 cut inside its first-level table", offset=self._source.size)
        return _words(data)

    def _run(self, offset: int, length: int) -> tuple[_State, int, int]:
        """State, place, and length of the longest stretch from `offset` that one read can serve."""
        state, place, run = self._piece(offset)
        while run < length and state is not _State.COMPRESSED:
            next_state, next_place, more = self._piece(offset + run)
            if next_state is not state or (state is _State.DATA and next_place != place + run):
                break
            run += more
        return state, place, min(run, length)

    def _piece(self, offset: int) -> tuple[_State, int, int]:
        """State of the cluster or subcluster at `offset`, place in the file (the entry of a compressed cluster), and
        bytes to its end."""
        cluster, within = divmod(offset, self._cluster)
        index, slot = divmod(cluster, self._entries)
        table = self._table(index)
        if table is None:
            return _State.ABSENT, 0, (self._entries - slot) * self._cluster - within
        entry = table[slot * self._words]
        left = self._cluster - within
        if entry & c.ENTRY_COMPRESSED:
            return _State.COMPRESSED, entry, left
        place = entry & c.ENTRY_OFFSET
        if place % self._cluster:
            raise FormatError("qcow2", f"cluster {cluster} does not begin where a cluster can", offset=place)
        if self._words == 2:
            return self._subcluster(cluster, place, table[slot * 2 + 1], within)
        if entry & c.ENTRY_ZERO:
            if self._version < 3:
                raise FormatError("qcow2", f"cluster {cluster} is marked as zeros, which version 2 does not have")
            return _State.ZEROS, 0, left
        return (_State.DATA, place + within, left) if place else (_State.ABSENT, 0, left)

    def _subcluster(self, cluster: int, place: int, bitmap: int, within: int) -> tuple[_State, int, int]:
        size = self._cluster // c.SUBCLUSTERS
        number = within // size
        left = (number + 1) * size - within
        allocated, zero = bitmap >> number & 1, bitmap >> (c.SUBCLUSTERS + number) & 1
        if allocated and (zero or not place):
            raise FormatError("qcow2", f"subcluster {number} of cluster {cluster} is both there and not there")
        if allocated:
            return _State.DATA, place + within, left
        return _State.ZEROS if zero else _State.ABSENT, 0, left

    def _table(self, index: int) -> "array[int] | None":
        """A second-level table; None where there is none."""
        place = self._l1[index] & c.ENTRY_OFFSET
        if not place:
            return None
        table = self._tables.get(place)
        if table is None:
            if place % self._cluster:
                raise FormatError("qcow2", f"table {index} does not begin where a cluster can", offset=place)
            data = self._source.read_at(place, self._cluster)
            if len(data) < self._cluster:
                raise TruncatedError(f"QCOW2 cut inside second-level table {index}", offset=self._source.size)
            table = _words(data)
            _keep(self._tables, place, table, _TABLES_KEPT // self._cluster)
        return table

    def _read_run(self, state: _State, place: int, offset: int, length: int) -> bytes:
        if state is _State.DATA:
            data = self._source.read_at(place, length)
            if len(data) < length:
                cluster = offset // self._cluster
                raise TruncatedError(f"QCOW2 cut in or behind cluster {cluster}", offset=min(place, self._source.size))
            return data
        if state is _State.COMPRESSED:
            within = offset % self._cluster
            return self._unpacked(place)[within : within + length]
        if state is _State.ZEROS or self._backing is None:
            return bytes(length)
        there = max(0, min(length, self._backing.size - offset))
        data = self._backing.read_at(offset, there) if there else b""
        if len(data) < there:
            raise TruncatedError("the backing file ends before its size", offset=offset + len(data))
        return data.ljust(length, b"\0")

    def _unpacked(self, entry: int) -> bytes:
        """A compressed cluster. Its bytes begin anywhere and end with a sector; what follows the stream is not its."""
        data = self._clusters.get(entry)
        if data is not None:
            return data
        place = entry & ((1 << self._sector_shift) - 1)
        sectors = ((entry & (c.ENTRY_COMPRESSED - 1)) >> self._sector_shift) + 1
        stored = sectors * c.SECTOR - place % c.SECTOR
        packed = self._source.read_at(place, stored)
        data = self._unpack(packed, self._cluster)
        if len(data) != self._cluster:
            if len(packed) < stored:
                raise TruncatedError("QCOW2 cut inside a compressed cluster", offset=min(place, self._source.size))
            raise FormatError("qcow2", f"a compressed cluster gives {len(data)} bytes", offset=place)
        _keep(self._clusters, entry, data, _CLUSTERS_KEPT // self._cluster)
        return data


def _words(data: bytes) -> "array[int]":
    """Big-endian numbers of 64 bits."""
    words = array("Q", data)
    if sys.byteorder == "little":
        words.byteswap()
    return words


def _keep(kept: dict[int, Any], key: int, value: object, most: int) -> None:
    if len(kept) >= max(2, most):
        del kept[next(iter(kept))]
    kept[key] = value


def _inflate(packed: bytes, size: int) -> bytes:
    """At most `size` bytes of a raw deflate stream; fewer, or none, where it is damaged."""
    try:
        return zlib.decompressobj(wbits=-15).decompress(packed, size)
    except zlib.error:
        return b""


def _unpack_zstd(packed: bytes, size: int) -> bytes:
    """At most `size` bytes of one or more zstd frames; fewer where they are damaged.

    UnsupportedContentError where the standard library has no zstd: before Python 3.14.
    """
    try:
        zstd = importlib.import_module("compression.zstd")
    except ImportError as error:
        raise UnsupportedContentError(
            "QCOW2 with clusters compressed by zstd, which this Python cannot unpack",
            hint="use Python 3.14 or later, or convert the image with qemu-img",
        ) from error
    data = b""
    try:
        while packed and len(data) < size:
            frame = zstd.ZstdDecompressor()
            data += frame.decompress(packed, size - len(data))
            packed = frame.unused_data
    except zstd.ZstdError:
        pass
    return data


def _header(source: ByteSource) -> Any:
    """The header, its numbers checked; those that version 2 does not have are as version 3 would state them."""
    data = source.read_at(0, c.HEADER_SIZE)
    if len(data) < c.HEADER_SIZE_2:
        raise TruncatedError("QCOW2 cut inside its header", offset=len(data))
    version = int.from_bytes(data[4:8])
    if version not in (2, 3):
        raise UnsupportedContentError(f"QCOW version {version}", offset=4, hint="convert it with qemu-img")
    if version == 3 and len(data) < c.HEADER_SIZE_3:
        raise TruncatedError("QCOW2 cut inside its header", offset=len(data))
    length = int.from_bytes(data[100:104]) if version == 3 else c.HEADER_SIZE_2
    header = c.definitions().header(data[: max(0, length)].ljust(c.HEADER_SIZE, b"\0"))
    if header.cluster_bits not in c.CLUSTER_BITS:
        raise FormatError("qcow2", f"clusters of 2^{header.cluster_bits} bytes", offset=20)
    if version == 2:
        header.header_length, header.refcount_order = c.HEADER_SIZE_2, c.REFCOUNT_ORDER_2
    elif not c.HEADER_SIZE_3 <= length <= 1 << header.cluster_bits:
        raise FormatError("qcow2", f"a header of {length} bytes", offset=100)
    if header.crypt_method != c.CRYPT_NONE:
        raise EncryptedVolumeError(
            f"the QCOW2 is encrypted (method {header.crypt_method})", hint="decrypt it with qemu-img convert"
        )
    _check_features(header)
    return header


def _check_features(header: Any) -> None:
    """Refuse what changes the meaning of the content and is not known."""
    features = int(header.incompatible_features)
    if features & c.EXTERNAL_DATA_FILE:
        raise UnsupportedContentError(
            "QCOW2 whose clusters are in an external data file", offset=72, hint="convert it with qemu-img"
        )
    known = c.DIRTY | c.CORRUPT | c.COMPRESSION_TYPE | c.EXTENDED_L2
    if unknown := [bit for bit in range(64) if features & ~known & 1 << bit]:
        raise UnsupportedContentError(f"QCOW2 with incompatible features that are not known: bits {unknown}", offset=72)
    marked = bool(features & c.COMPRESSION_TYPE)
    if header.compression_type not in (c.COMPRESSION_ZLIB, c.COMPRESSION_ZSTD):
        raise UnsupportedContentError(f"QCOW2 with compression type {header.compression_type}", offset=104)
    if marked != (header.compression_type != c.COMPRESSION_ZLIB):
        raise FormatError("qcow2", "compression type and the feature bit for it contradict each other", offset=104)
    if features & c.EXTENDED_L2 and header.cluster_bits < 14:
        raise FormatError("qcow2", f"subclusters in clusters of 2^{header.cluster_bits} bytes", offset=20)


def _backing_name(source: ByteSource, header: Any) -> str | None:
    offset, length = int(header.backing_file_offset), int(header.backing_file_size)
    if not offset:
        return None
    if not 0 < length <= c.LONGEST_NAME:
        raise FormatError("qcow2", f"the name of the backing file has {length} bytes", offset=16)
    data = source.read_at(offset, length)
    if len(data) < length:
        raise TruncatedError("QCOW2 cut inside the name of its backing file", offset=source.size)
    return data.decode("utf-8", "replace")


def _backing_format(source: ByteSource, header: Any) -> str | None:
    """The format of the backing file by the extension of the header that states it."""
    start, cluster = int(header.header_length), 1 << header.cluster_bits
    end = min(int(header.backing_file_offset) or cluster, cluster)
    data = source.read_at(start, max(0, end - start))
    position = 0
    while position + 8 <= len(data):
        extension = c.definitions().header_extension(data[position : position + 8])
        position += 8
        if extension.type == c.EXTENSION_END:
            break
        if extension.type == c.EXTENSION_BACKING_FORMAT:
            return data[position : position + extension.length].decode("ascii", "replace")
        position += -(-extension.length // 8) * 8
    return None


def open_qcow2(probe: Probe, limits: Limits) -> Opened:
    """The disk of a QCOW2; FormatError or TruncatedError where it is damaged, MissingParentError without its backing
    file."""
    source = probe.source
    assert source is not None
    header = _header(source)
    if header.disk_size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"QCOW2 states a disk of {header.disk_size} bytes")
    name = _backing_name(source, header)
    backing = Opened() if name is None else open_backing(probe, limits, name, _backing_format(source, header))
    disk = Qcow2Disk(source, header, backing.disk, limits)
    damage = (*_damage(source, header, disk), *backing.damage)
    return Opened(disk=disk, damage=damage, checks=backing.checks, files=backing.files)


def _damage(source: ByteSource, header: Any, disk: Qcow2Disk) -> tuple[BuildlabError, ...]:
    """What the header admits, and the end of the file where something should lie behind it."""
    found: list[BuildlabError] = []
    if header.incompatible_features & c.CORRUPT:
        found.append(FormatError("qcow2", "the image is marked as corrupt; what is there was read", offset=72))
    if header.incompatible_features & c.DIRTY:
        found.append(FormatError("qcow2", "the image is marked as dirty: it was in use and not closed", offset=72))
    if disk.farthest_table >= source.size or _last_counted_cluster(source, header) >= source.size:
        message = "the QCOW2 is cut: tables or clusters lie behind the end of the file"
        found.append(TruncatedError(message, offset=source.size, hint="copy the file again; what is there was read"))
    return tuple(found)


def _last_counted_cluster(source: ByteSource, header: Any) -> int:
    """Offset of the last cluster that has a reference; 0 where the reference counts do not tell."""
    bits = header.cluster_bits
    length = min(header.refcount_table_clusters << bits, c.REFCOUNT_TABLE_LONGEST)
    table = source.read_at(header.refcount_table_offset, length).rstrip(b"\0")
    if not table or header.refcount_order not in c.REFCOUNT_ORDERS:
        return 0
    last = (len(table) - 1) // 8
    place = int.from_bytes(table[8 * last : 8 * last + 8].ljust(8, b"\0")) & c.REFCOUNT_BLOCK_OFFSET
    block = source.read_at(place, 1 << bits)
    if not block:
        return place
    counts = block.rstrip(b"\0")
    if not counts:
        return 0
    highest_bit = 8 * (len(counts) - 1) + counts[-1].bit_length() - 1
    cluster = (last << (bits + 3 - header.refcount_order)) + (highest_bit >> header.refcount_order)
    return int(cluster << bits)
