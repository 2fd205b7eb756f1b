"""Sparse extents of a VMDK: grains found through a grain directory and its tables, stored as they are or deflated."""

import sys
import zlib
from array import array
from collections.abc import Iterator
from typing import Any

from buildlab.errors import FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.inflate import inflate_whole
from buildlab.sources.disks import c_vmdk as c
from buildlab.sources.disks.joined import Background
from buildlab.sources.disks.kept import KeptPieces

_ABSENT = -1
_ZEROED = -2

_LAST_VERSION = 3
_TABLE_ENTRIES = 4096
"""The format has 512 entries a table."""
_GRAIN_SECTORS = 1 << 21
_DEFLATED_GRAIN_SECTORS = 1 << 13
"""Largest grains that are read, 1 GiB and 4 MiB: a deflated one is inflated as a whole. Real ones have 64 KiB."""
_GEOMETRY_BYTES = 3
"""Where a COWD header names a parent, others have the number of cylinders, whose highest byte is 0."""
_NAME_SHOWN = 200
_KEPT_BYTES = 4 << 20
_ENTRIES_CHECKED = 1 << 25
"""Entries of grain tables read when looking for grains behind the end of the file: those of 2 TiB, with usual grains
(of 16 GiB in an extent of ESX, whose grains have one sector)."""


def read_sparse_header(source: ByteSource, name: str, limits: Limits) -> Any:
    """The header at the start of a sparse extent, its numbers checked; `name` is for the errors.

    The directory's place is taken from the footer where the header says so. An extent of ESX (COWD) has a header of
    another form, and what is said there is given in this one.
    """
    if source.read_at(0, len(c.COWD_MAGIC)) == c.COWD_MAGIC:
        return _cowd_header(source, name, limits)
    header = _header_at(source, 0, name)
    if header.flags & c.FLAG_NEWLINE_TEST and header.newlines != c.NEWLINES:
        raise FormatError(
            "vmdk", f"{name} was damaged by a transfer in text mode, which changed its line ends", offset=73
        )
    if not 1 <= header.version <= _LAST_VERSION:
        raise UnsupportedContentError(f"{name}: version {header.version} of sparse extents", offset=4)
    deflated = bool(header.flags & c.FLAG_COMPRESSED)
    if deflated and header.compress_algorithm != c.COMPRESSION_DEFLATE:
        raise UnsupportedContentError(f"{name}: compression {header.compress_algorithm}", offset=77)
    grain, most = int(header.grain_size), _DEFLATED_GRAIN_SECTORS if deflated else _GRAIN_SECTORS
    if not 1 <= grain <= most or grain & (grain - 1):
        raise FormatError("vmdk", f"{name} has grains of {grain} sectors, no power of two up to {most}", offset=20)
    if not 1 <= header.num_gtes_per_gt <= _TABLE_ENTRIES:
        raise FormatError("vmdk", f"{name} has grain tables of {header.num_gtes_per_gt} entries", offset=44)
    if header.capacity * c.SECTOR > limits.virtual_disk_bytes:
        raise LimitExceededError(f"{name} states a disk of {header.capacity * c.SECTOR} bytes")
    if header.gd_offset == c.GD_AT_END:
        footer = _header_at(source, source.size - 2 * c.SECTOR, name)
        if footer.gd_offset == c.GD_AT_END:
            raise FormatError("vmdk", f"{name}: its footer has no grain directory", offset=source.size - 2 * c.SECTOR)
        header.gd_offset = footer.gd_offset
    return header


def _cowd_header(source: ByteSource, name: str, limits: Limits) -> Any:
    """The header of an extent of ESX (COWD), as that of a hosted extent which says the same.

    UnsupportedContentError for one that itself names a parent, as snapshots did before they had descriptors.
    """
    data = source.read_at(0, c.COWD_HEADER_SIZE)
    if len(data) < c.COWD_HEADER_SIZE:
        raise TruncatedError(f"{name} is cut inside its header", offset=len(data))
    cowd = c.definitions().cowd_header(data)
    if cowd.version != c.COWD_VERSION:
        raise UnsupportedContentError(f"{name}: version {cowd.version} of COWD extents", offset=4)
    grain, capacity = int(cowd.grain_size), int(cowd.capacity)
    if not 1 <= grain <= _GRAIN_SECTORS or grain & (grain - 1):
        raise FormatError("vmdk", f"{name} has grains of {grain} sectors, no power of two", offset=16)
    if capacity * c.SECTOR > limits.virtual_disk_bytes:
        raise LimitExceededError(f"{name} states a disk of {capacity * c.SECTOR} bytes")
    if -(-capacity // (grain * c.COWD_TABLE_ENTRIES)) > cowd.num_gd_entries:
        raise FormatError("vmdk", f"{name} has {cowd.num_gd_entries} grain tables for {capacity} sectors", offset=24)
    parent = cowd.parent.partition(b"\0")[0]
    if len(parent) > _GEOMETRY_BYTES and parent.isascii():
        raise UnsupportedContentError(
            f"{name} is an old ESX snapshot (COWD) of {parent[:_NAME_SHOWN].decode()!r}, without a descriptor",
            hint="commit it to its parent first",
        )
    header = c.definitions().sparse_header(bytes(c.HEADER_SIZE))
    header.capacity, header.grain_size, header.gd_offset = capacity, grain, int(cowd.gd_offset)
    header.num_gtes_per_gt = c.COWD_TABLE_ENTRIES
    return header


def _header_at(source: ByteSource, offset: int, name: str) -> Any:
    data = source.read_at(offset, c.HEADER_SIZE) if offset >= 0 else b""
    if len(data) == c.HEADER_SIZE and data.startswith(c.SPARSE_MAGIC):
        return c.definitions().sparse_header(data)
    if offset:
        raise TruncatedError(f"{name} is cut: the footer that should end it is missing", offset=source.size)
    if len(data) < c.HEADER_SIZE and c.SPARSE_MAGIC.startswith(data[:4]):
        raise TruncatedError(f"{name} is cut inside its header", offset=len(data))
    raise FormatError("vmdk", f"{name} is no sparse extent", offset=0)


class GrainStore:
    """Grain tables and inflated grains that were read, of all extents of a disk."""

    def __init__(self) -> None:
        self.tables: KeptPieces[array[int]] = KeptPieces(_KEPT_BYTES)
        self.grains: KeptPieces[bytes] = KeptPieces(_KEPT_BYTES)
        self.extents = 0
        """How many share this."""


class SparseExtent:
    """The bytes that a sparse extent stands for; what it does not store shows `background`.

    `size` in bytes is its share of the disk, at most what its header states.
    """

    def __init__(
        self,
        source: ByteSource,
        header: Any,
        *,
        size: int,
        name: str,
        background: Background,
        store: GrainStore,
        limits: Limits,
    ) -> None:
        self._source = source
        self._size = size
        self._name = name
        self._background = background
        self._capacity = int(header.capacity) * c.SECTOR
        self._grain_sectors = int(header.grain_size)
        self._grain_bytes = self._grain_sectors * c.SECTOR
        self._entries = int(header.num_gtes_per_gt)
        self._has_zeroed = bool(header.flags & c.FLAG_ZEROED_GRAIN)
        self._is_deflated = bool(header.flags & c.FLAG_COMPRESSED)
        self._has_markers = bool(header.flags & c.FLAG_MARKERS)
        self._grains = -(-self._capacity // self._grain_bytes)
        count = -(-self._grains // self._entries)
        if 4 * count > limits.disk_table_bytes:
            raise LimitExceededError(f"{name}: a grain directory of {count} entries")
        self._directory = self._numbers(int(header.gd_offset), count, "grain directory")
        self._store = store
        self._number = store.extents
        store.extents += 1

    @property
    def size(self) -> int:
        return self._size

    @property
    def directory_bytes(self) -> int:
        """Memory that the grain directory takes."""
        return 4 * len(self._directory)

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        pieces = [self._piece(*run) for run in self._runs(offset, length)]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def cut(self) -> TruncatedError | None:
        """What is missing where grains lie behind the end of the file, as after a copy that stopped early.

        Of disks with more grains than `_ENTRIES_CHECKED` only that many are looked through.
        """
        farthest, grain = 0, 0
        seen: set[int] = set()
        for number, place in enumerate(self._directory):
            if not place or place in seen:
                continue
            seen.add(place)
            if len(seen) * self._entries > _ENTRIES_CHECKED:
                break
            if place * c.SECTOR + 4 * self._entries_of(number) > self._source.size:
                return self._cut_error("grain tables lie")
            table = self._read_table(number)
            highest = max(table)
            if highest > farthest and not (highest == c.GTE_ZEROED and self._has_zeroed):
                farthest, grain = highest, number * self._entries + table.index(highest)
        if farthest and farthest * c.SECTOR + self._stored_bytes(grain, farthest) > self._source.size:
            return self._cut_error("grains lie")
        return None

    def _cut_error(self, what: str) -> TruncatedError:
        return TruncatedError(
            f"{self._name} is cut: {what} behind the end of the file",
            offset=self._source.size,
            hint="copy the file again; what is there was read",
        )

    def _stored_bytes(self, grain: int, sector: int) -> int:
        """Bytes that a grain takes in the file, at least."""
        if not self._is_deflated:
            return self._held(grain)
        if not self._has_markers:
            return 1
        data = self._source.read_at(sector * c.SECTOR, c.GRAIN_MARKER.size)
        size = int(c.GRAIN_MARKER.unpack(data)[1]) if len(data) == c.GRAIN_MARKER.size else 0
        return c.GRAIN_MARKER.size + size

    def _held(self, grain: int) -> int:
        """Bytes of the disk that a grain holds: all of it, but for the last."""
        return min(self._grain_bytes, self._capacity - grain * self._grain_bytes)

    def _numbers(self, sector: int, count: int, what: str) -> "array[int]":
        """`count` numbers of 32 bits from a sector on."""
        place = sector * c.SECTOR
        if place + 4 * count > self._source.size:
            raise TruncatedError(f"{self._name} is cut inside its {what}", offset=min(place, self._source.size))
        numbers = array("I", self._source.read_at(place, 4 * count))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def _entries_of(self, table: int) -> int:
        """Entries of a table that count: all, but for the last table."""
        return min(self._entries, self._grains - table * self._entries)

    def _read_table(self, number: int) -> "array[int]":
        return self._numbers(self._directory[number], self._entries_of(number), f"grain table {number}")

    def _sector(self, grain: int) -> int:
        """The sector of the file at which a grain is stored, or one of the GTE constants."""
        number, index = divmod(grain, self._entries)
        if not self._directory[number]:
            return c.GTE_ABSENT
        table = self._store.tables.get((self._number, number))
        if table is None:
            table = self._read_table(number)
            self._store.tables.put((self._number, number), table, 4 * self._entries)
        return table[index]

    def _runs(self, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
        """Stretches of the disk that are stored together: place in the file or a mark, offset in the disk, length."""
        start, place, joined = offset, 0, 0
        end = offset + length
        while offset < end:
            grain, within = divmod(offset, self._grain_bytes)
            take = min(end - offset, self._grain_bytes - within)
            sector = self._sector(grain)
            if sector == c.GTE_ABSENT:
                here = _ABSENT
            elif sector == c.GTE_ZEROED and self._has_zeroed:
                here = _ZEROED
            else:
                here = sector * c.SECTOR + (0 if self._is_deflated else within)
            follows = here == place if here < 0 else here == place + joined and not self._is_deflated
            if joined and follows:
                joined += take
            else:
                if joined:
                    yield place, start, joined
                start, place, joined = offset, here, take
            offset += take
        yield place, start, joined

    def _piece(self, place: int, offset: int, length: int) -> bytes:
        if place == _ABSENT:
            return self._background.read(offset, length)
        if place == _ZEROED:
            return bytes(length)
        if self._is_deflated:
            grain, within = divmod(offset, self._grain_bytes)
            return self._inflate(grain, place)[within : within + length]
        data = self._source.read_at(place, length)
        if len(data) < length:
            raise TruncatedError(
                f"{self._name} is cut inside grain {offset // self._grain_bytes}", offset=min(place, self._source.size)
            )
        return data

    def _inflate(self, grain: int, place: int) -> bytes:
        data = self._store.grains.get((self._number, grain))
        if data is None:
            data = self._inflate_stored(grain, place)
            self._store.grains.put((self._number, grain), data, len(data))
        return data

    def _inflate_stored(self, grain: int, place: int) -> bytes:
        deflated = self._deflated(grain, place)
        whole = inflate_whole(deflated, self._grain_bytes)
        if whole is not None and len(whole) >= self._held(grain):
            return whole
        decoder = zlib.decompressobj()
        try:
            data = decoder.decompress(deflated, self._grain_bytes + 1)
        except zlib.error as error:
            raise FormatError(
                "vmdk", f"{self._name}: grain {grain} cannot be inflated: {error}", offset=place
            ) from error
        if len(data) > self._grain_bytes:
            raise FormatError("vmdk", f"{self._name}: grain {grain} inflates past its size", offset=place)
        if len(data) < self._held(grain) or not decoder.eof:
            raise FormatError("vmdk", f"{self._name}: grain {grain} inflates to {len(data)} bytes only", offset=place)
        return data

    def _deflated(self, grain: int, place: int) -> bytes:
        """The zlib stream of a grain: behind its marker, which says whose it is and how long, or from its sector on."""
        most = 2 * self._grain_bytes
        if not self._has_markers:
            return self._source.read_at(place, most)
        head = self._source.read_at(place, c.GRAIN_MARKER.size)
        if len(head) < c.GRAIN_MARKER.size:
            raise TruncatedError(f"{self._name} is cut before grain {grain}", offset=min(place, self._source.size))
        sector, size = c.GRAIN_MARKER.unpack(head)
        if sector != grain * self._grain_sectors:
            raise FormatError("vmdk", f"{self._name}: grain {grain} is marked as of sector {sector}", offset=place)
        if not 0 < size <= most:
            raise FormatError("vmdk", f"{self._name}: grain {grain} is stored in {size} bytes", offset=place + 8)
        data = self._source.read_at(place + c.GRAIN_MARKER.size, size)
        if len(data) < size:
            raise TruncatedError(f"{self._name} is cut inside grain {grain}", offset=self._source.size)
        return data
