"""Images of the Expert Witness Compression Format, version 1 (E01, s01), in all their segments.

Everything that has a checksum is held against it, for what is wrong in a list of chunks would shift all that follow.
"""

import hashlib
import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from string import ascii_uppercase
from typing import Any, Literal

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    SourceError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import HostPath
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.containers import c_ewf as c
from buildlab.sources.source_check import SourceCheck
from buildlab.windows.path import fold_name

_KEPT_OPEN = 256
"""Segments that stay open; an image has thousands at times, more than a process may have open files."""
_LONGEST_CHUNK = 32 << 20
_LONGEST_VOLUME = 4096
_MOST_SECTIONS = 500_000
_MOST_ENTRIES = 1 << 20
_CHUNKS_KEPT = 2 << 20
_TABLES_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A list of chunks in one segment: where its entries are (twice, as a rule), and where the last chunk ends."""

    segment: int
    first_chunk: int
    count: int
    base: int
    places: tuple[int, ...]
    end: int
    has_checksum: bool


@dataclass(slots=True)
class _Image:
    """What the sections of all segments say."""

    sectors: int = 0
    sector_size: int = 0
    chunk_size: int = 0
    chunk_count: int = 0
    is_smart: bool = False
    tables: list[_Table] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    sections: int = 0
    is_whole: bool = False

    @property
    def chunks_listed(self) -> int:
        return self.tables[-1].first_chunk + self.tables[-1].count if self.tables else 0


class EwfDisk:
    """The medium that was imaged. Raises FormatError for chunks whose checksum is wrong, TruncatedError for those that
    are in no segment that is there."""

    def __init__(self, segments: list[ByteSource], image: _Image) -> None:
        self._segments = segments
        self._image = image
        self._size = image.sectors * image.sector_size
        self._starts = [table.first_chunk for table in image.tables]
        self._entries: dict[int, array[int]] = {}
        self._chunks: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        number, within = divmod(offset, self._image.chunk_size)
        parts: list[bytes] = []
        while length > 0:
            parts.append(self._chunk(number)[within : within + length])
            length -= len(parts[-1])
            number, within = number + 1, 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def check_hashes(self) -> SourceCheck:
        """Read the whole medium and compare its hashes with those that the acquisition stored; raises as `read_at`."""
        stored = self._image.hashes
        if not stored:
            return _hash_check("not-checked", "the acquisition stored no hash")
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in stored}
        for offset in range(0, self._size, self._image.chunk_size):
            data = self.read_at(offset, self._image.chunk_size)
            for digest in digests.values():
                digest.update(data)
        wrong = [name for name, digest in digests.items() if digest.hexdigest() != stored[name]]
        if wrong:
            return _hash_check("damaged", f"{', '.join(wrong)}: not what the acquisition stored")
        return _hash_check("ok", f"{', '.join(stored)}: what the acquisition stored")

    def _chunk(self, number: int) -> bytes:
        """A chunk whole; only the last one of the medium is shorter than the others."""
        data = self._chunks.get(number)
        if data is None:
            data = self._read_chunk(number)
            if len(self._chunks) >= max(2, _CHUNKS_KEPT // self._image.chunk_size):
                del self._chunks[next(iter(self._chunks))]
            self._chunks[number] = data
        return data

    def _read_chunk(self, number: int) -> bytes:
        index = bisect_right(self._starts, number) - 1
        if number >= self._image.chunks_listed:
            raise TruncatedError(f"chunk {number} of the medium is in no segment that is there")
        table = self._image.tables[index]
        entries, slot = self._table(index), number - table.first_chunk
        start = table.base + (entries[slot] & ~c.ENTRY_COMPRESSED)
        end = table.base + (entries[slot + 1] & ~c.ENTRY_COMPRESSED) if slot + 1 < table.count else table.end
        expected = min(self._image.chunk_size, self._size - number * self._image.chunk_size)
        if not start < end <= start + 2 * self._image.chunk_size + 1024:
            raise FormatError("ewf", f"chunk {number} goes from {start} to {end}", offset=start)
        stored = self._segments[table.segment].read_at(start, end - start)
        if entries[slot] & c.ENTRY_COMPRESSED:
            data = _inflate(stored, self._image.chunk_size)
        else:
            data = stored[:expected]
            if zlib.adler32(data) != int.from_bytes(stored[expected : expected + c.CHECKSUM_SIZE], "little"):
                data = b""
        if len(data) < expected:
            if len(stored) < end - start:
                raise TruncatedError(f"EWF segment {table.segment + 1} is cut inside chunk {number}", offset=start)
            raise FormatError("ewf", f"chunk {number} in segment {table.segment + 1} is damaged", offset=start)
        return data[:expected]

    def _table(self, index: int) -> "array[int]":
        """The entries of a table: of its first copy whose checksum is right."""
        entries = self._entries.get(index)
        if entries is None:
            table = self._image.tables[index]
            data = next((data for place in table.places if (data := self._table_copy(table, place))), None)
            if data is None:
                reason = f"the list of chunks from {table.first_chunk} on in segment {table.segment + 1} is damaged"
                raise FormatError("ewf", reason, offset=table.places[0])
            entries = array("I", data)
            if sys.byteorder == "big":
                entries.byteswap()
            if len(self._entries) >= _TABLES_KEPT:
                del self._entries[next(iter(self._entries))]
            self._entries[index] = entries
        return entries

    def _table_copy(self, table: _Table, place: int) -> bytes | None:
        length = 4 * table.count
        data = self._segments[table.segment].read_at(place, length + c.CHECKSUM_SIZE)
        checksum = int.from_bytes(data[length : length + c.CHECKSUM_SIZE], "little")
        if len(data) < length or (table.has_checksum and zlib.adler32(data[:length]) != checksum):
            return None
        return data[:length]


def _inflate(stored: bytes, size: int) -> bytes:
    """At most `size` bytes; none where the stream is damaged or not at its end."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(stored, size + 1)
    except zlib.error:
        return b""
    return data if stream.eof and len(data) <= size else b""


def _read_segment(image: _Image, index: int, source: ByteSource, limits: Limits) -> bool:
    """Take in the sections of a segment; whether it ends as one should. FormatError for a damaged section."""
    position, sectors_end = c.HEADER_SIZE, None
    while True:
        image.sections += 1
        if image.sections > _MOST_SECTIONS:
            raise LimitExceededError(f"EWF with more than {_MOST_SECTIONS} sections")
        data = source.read_at(position, c.SECTION_SIZE)
        if len(data) < c.SECTION_SIZE:
            return False
        section = c.definitions().section(data)
        if zlib.adler32(data[:72]) != section.checksum:
            raise FormatError("ewf", f"a section of segment {index + 1} is damaged", offset=position)
        kind = section.type.rstrip(b"\0")
        start, following = position + c.SECTION_SIZE, int(section.next_offset)
        if kind in (b"next", b"done"):
            image.is_whole = kind == b"done"
            return True
        if following <= position:
            raise FormatError("ewf", f"a section of segment {index + 1} leads back", offset=position)
        if kind in (b"volume", b"disk") and not image.chunk_size:
            _read_volume(image, source.read_at(start, min(following - start, _LONGEST_VOLUME)), start, limits)
        elif kind == b"sectors":
            sectors_end = following
        elif kind in (b"table", b"table2"):
            if following > source.size:
                return False
            end = following if sectors_end is None else sectors_end
            _read_table(image, index, source, start, following, end, kind == b"table2")
        elif kind in (b"hash", b"digest"):
            _read_hashes(image, kind, source.read_at(start, 80))
        position = following


def _read_volume(image: _Image, data: bytes, offset: int, limits: Limits) -> None:
    image.is_smart = len(data) == c.SMART_VOLUME_SIZE
    if len(data) < c.SMART_VOLUME_SIZE or zlib.adler32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise FormatError("ewf", "the section that describes the medium is damaged", offset=offset)
    volume = c.definitions().volume(data[: c.VOLUME_SIZE])
    image.sectors = int(volume.sector_count) & (0xFFFFFFFF if image.is_smart else 0xFFFFFFFFFFFFFFFF)
    image.sector_size, image.chunk_count = int(volume.bytes_per_sector), int(volume.chunk_count)
    image.chunk_size = int(volume.sectors_per_chunk) * image.sector_size
    size = image.sectors * image.sector_size
    if size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"EWF states a medium of {size} bytes")
    if image.chunk_size > _LONGEST_CHUNK:
        raise LimitExceededError(f"EWF states chunks of {image.chunk_size} bytes")
    if not image.chunk_size or -(-size // image.chunk_size) > image.chunk_count:
        raise FormatError("ewf", f"{size} bytes in {image.chunk_count} chunks of {image.chunk_size}", offset=offset)


def _read_table(
    image: _Image, index: int, source: ByteSource, start: int, stop: int, data_end: int, is_copy: bool
) -> None:
    """Add a table, or the copy of the one before. One with a damaged head counts no chunks until its copy is found."""
    data = source.read_at(start, c.TABLE_HEADER_SIZE)
    header = c.definitions().table_header(data.ljust(c.TABLE_HEADER_SIZE, b"\0"))
    place, count = start + c.TABLE_HEADER_SIZE, int(header.entry_count)
    is_sound = zlib.adler32(data[:20]) == header.checksum and place + 4 * count <= stop
    last = image.tables[-1] if image.tables else None
    if is_copy and last is not None and last.segment == index and last.count in (0, count) and len(last.places) == 1:
        if is_sound:
            base = int(header.base_offset)
            image.tables[-1] = replace(last, count=count, base=base, places=(*last.places, place))
        return
    _refuse_missing_list(image)
    if not is_sound and (is_copy or image.is_smart):
        raise FormatError("ewf", f"a list of chunks in segment {index + 1} is damaged", offset=start)
    if is_sound and count > _MOST_ENTRIES:
        raise LimitExceededError(f"a list of {count} chunks")
    if is_sound and not count:
        return
    image.tables.append(
        _Table(
            segment=index,
            first_chunk=image.chunks_listed,
            count=count if is_sound else 0,
            base=int(header.base_offset) if is_sound else 0,
            places=(place,),
            end=data_end,
            has_checksum=not image.is_smart,
        )
    )


def _refuse_missing_list(image: _Image) -> None:
    """All chunks that follow would be shifted."""
    if image.tables and not image.tables[-1].count:
        last = image.tables[-1]
        reason = f"a list of chunks in segment {last.segment + 1} is damaged, and has no copy"
        raise FormatError("ewf", reason, offset=last.places[0])


def _read_hashes(image: _Image, kind: bytes, data: bytes) -> None:
    """MD5 from a hash section, MD5 and SHA-1 from a digest section; zeros stand for none."""
    size = 36 if kind == b"hash" else 80
    if len(data) < size or zlib.adler32(data[: size - 4]) != int.from_bytes(data[size - 4 : size], "little"):
        return
    if any(data[:16]):
        image.hashes["MD5"] = data[:16].hex()
    if kind == b"digest" and any(data[16:36]):
        image.hashes["SHA1"] = data[16:36].hex()


def _hash_check(outcome: Literal["ok", "damaged", "not-checked"], detail: str) -> SourceCheck:
    return SourceCheck(check="ewf-hash", outcome=outcome, detail=detail)


def segment_suffixes(first: str) -> Iterator[str]:
    """The suffixes of the segments after the first, in order, folded: ``.E02`` to ``.E99``, then ``.EAA`` to ``.ZZZ``.

    Nothing where `first` is not the suffix of a first segment.
    """
    first = fold_name(first)
    if len(first) != 4 or not first[1].isalpha() or not first.endswith("01"):
        return
    yield from (f"{first[:2]}{number:02}" for number in range(2, 100))
    for letter in ascii_uppercase[max(0, ascii_uppercase.find(first[1])) :]:
        yield from (f".{letter}{one}{two}" for one in ascii_uppercase for two in ascii_uppercase)


def _segments(probe: Probe) -> list[ByteSource]:
    """The file itself and the segments beside it, up to the first that is missing."""
    assert probe.source is not None
    found: list[ByteSource] = [probe.source]
    try:
        beside = {fold_name(sibling.name): sibling for sibling in probe.siblings()}
    except SourceError:  # a folder that may not be listed: the image will say what it lacks
        beside = {}
    for suffix in segment_suffixes(probe.path.suffix):
        sibling = beside.get(fold_name(probe.path.stem) + suffix)
        if sibling is None:
            break
        if len(found) < _KEPT_OPEN or probe.tree is not None:
            found.append(sibling.open())
        else:
            path = probe.path.parent / sibling.name
            found.append(HostPath(path, path.stat().st_size))
    return found


def _check_number(segment: ByteSource, position: int) -> None:
    """Refuse a file that is not the segment its name says."""
    data = segment.read_at(0, c.HEADER_SIZE)
    if len(data) < c.HEADER_SIZE or data[:8] != c.SIGNATURE:
        raise FormatError("ewf", f"the file of segment {position} does not begin like one", offset=0)
    number: Any = c.definitions().file_header(data).segment_number
    if number != position and position == 1:
        hint = "give the first segment (E01), with the others beside it"
        raise UnsupportedContentError(f"this is segment {number} of an EWF image", offset=9, hint=hint)
    if number != position:
        raise FormatError("ewf", f"the file of segment {position} says that it is segment {number}", offset=9)


def _open(probe: Probe, limits: Limits) -> Opened:
    if probe.head.startswith(c.SIGNATURE_2):
        raise UnsupportedContentError(
            "EWF image of version 2 (Ex01)", hint="convert it, for instance with ewfexport of libewf"
        )
    segments, image = _segments(probe), _Image()
    damage: list[BuildlabError] = []
    for index, segment in enumerate(segments):
        _check_number(segment, index + 1)
        if not _read_segment(image, index, segment, limits):
            cut = TruncatedError(f"segment {index + 1} of the EWF image is cut", offset=segment.size)
            if index + 1 < len(segments):
                raise cut
            damage.append(cut)
        _refuse_missing_list(image)
    if not image.chunk_size:
        raise FormatError("ewf", "no section describes the medium")
    missing = image.chunk_count - image.chunks_listed
    if not damage and (missing or not image.is_whole):
        message = f"after segment {len(segments)} more should follow: {missing} chunks of the EWF image are missing"
        damage.append(TruncatedError(message, hint="lay all segments beside the first; what is there was read"))
    stored = ", ".join(f"{name} {value}" for name, value in image.hashes.items()) or "no hash"
    check = _hash_check("not-checked", f"the acquisition stored {stored}")
    return Opened(disk=EwfDisk(segments, image), damage=tuple(damage), checks=(check,))


EWF = ContainerFormat(
    kind="ewf",
    name="EWF image (E01)",
    probe=lambda probe: probe.head.startswith((c.SIGNATURE, c.SIGNATURE_2)),
    open=_open,
)
