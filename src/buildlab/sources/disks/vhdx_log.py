"""Replay of a VHDX log in memory ([MS-VHDX] 2.3).

The log is a ring of entries, each of them pages that were about to be written. A file that wasn't closed in good order
is only right with the active ones applied: the run of entries, each followed by its successor, that ends with the
highest sequence number, from the entry that its last one names as tail. Older entries stay in the ring beside them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_vhdx as c
from buildlab.sources.disks.overlay import Overlay, Write
from buildlab.sources.disks.vhdx_header import VhdxHeader, checksum_is_right
from buildlab.sources.source_check import SourceCheck

_DESCRIPTORS = (c.LOG_DATA_DESCRIPTOR, c.LOG_ZERO_DESCRIPTOR)
_DATA_SECTORS = (c.LOG_DATA_SECTOR,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The file with its log applied, what was found, and what is wrong with the file by its log's account."""

    source: ByteSource
    check: SourceCheck
    damage: tuple[BuildlabError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    position: int
    length: int
    sequence: int
    tail: int
    descriptor_count: int
    flushed_file_offset: int
    last_file_offset: int


def replay_log(source: ByteSource, header: VhdxHeader) -> Replay:
    """The file as it is after its log; the very same one where the log is empty.

    A file shorter than the log says it was is `damage` and keeps its length. FormatError where the header says that
    there is something to replay and the ring holds no valid run of entries, TruncatedError where the file ends inside
    the ring, LimitExceededError for a log of more than 64 MiB.
    """
    if header.log_guid is None:
        return Replay(source=source, check=SourceCheck(check="vhdx-log", outcome="ok", detail="the log is empty"))
    ring = _read_ring(source, header)
    entries = _active_entries(ring, header)
    writes = [write for entry in entries for write in _writes(_piece(ring, entry.position, entry.length), entry)]
    head = entries[-1]
    size = max(source.size, head.last_file_offset)
    damage: tuple[BuildlabError, ...] = ()
    if source.size < head.flushed_file_offset:
        missing = f"the VHDX is cut: its log says that it had {head.flushed_file_offset} bytes"
        size, damage = source.size, (TruncatedError(missing, offset=source.size, hint="copy the file again"),)
    overlay = Overlay(source, writes, size)
    zeros = sum(write.data is None for write in writes)
    detail = f"entries {entries[0].sequence} to {head.sequence}: {overlay.page_count} pages, {zeros} stretches of zeros"
    check = SourceCheck(check="vhdx-log", outcome="replayed", detail=detail)
    return Replay(source=overlay, check=check, damage=damage)


def _read_ring(source: ByteSource, header: VhdxHeader) -> bytes:
    offset, length = header.log_offset, header.log_length
    if header.log_version != 0:
        raise UnsupportedContentError(f"VHDX with a log of version {header.log_version}: only version 0 can be read")
    if not offset or not length or offset % c.ALIGNMENT or length % c.ALIGNMENT:
        raise FormatError("vhdx", f"a log of {length} bytes at {offset:#x}", offset=c.HEADER_OFFSETS[0])
    if length > c.LOG_BYTES_AT_MOST:
        raise LimitExceededError(f"VHDX states a log of {length} bytes")
    if source.size < offset + length:
        raise TruncatedError("VHDX cut inside its log, which is not empty", offset=source.size)
    return source.read_at(offset, length)


def _piece(ring: bytes, position: int, length: int) -> bytes:
    """`length` bytes of the ring, going on at its start where it ends."""
    return ring[position : position + length] + ring[: max(0, position + length - len(ring))]


def _active_entries(ring: bytes, header: VhdxHeader) -> list[_Entry]:
    """The entries to apply, oldest first."""
    assert header.log_guid is not None
    places = range(0, len(ring), c.LOG_SECTOR)
    found = (_entry(ring, place, header.log_guid) for place in places)
    entries = {entry.position: entry for entry in found if entry is not None}
    active: list[_Entry] = []
    for run in _runs(entries, len(ring)):
        start = next((index for index, entry in enumerate(run) if entry.position == run[-1].tail), None)
        if start is not None and (not active or run[-1].sequence > active[-1].sequence):
            active = run[start:]
    if not active:
        raise FormatError("vhdx", "the log is in use and holds no valid entries", offset=header.log_offset)
    return active


def _runs(entries: dict[int, _Entry], size: int) -> Iterator[list[_Entry]]:
    """The longest runs of entries of which each begins where the one before it ends and has the next number."""
    following: dict[int, _Entry] = {}
    for entry in entries.values():
        after = entries.get((entry.position + entry.length) % size)
        if after is not None and after.sequence == entry.sequence + 1:
            following[entry.position] = after
    inner = {entry.position for entry in following.values()}
    for first in (entry for entry in entries.values() if entry.position not in inner):
        run = [first]
        while (after := following.get(run[-1].position)) is not None:
            run.append(after)
        yield run


def _entry(ring: bytes, position: int, guid: UUID) -> _Entry | None:
    """The entry at `position` of the ring, if there is a valid one.

    The signatures of its sectors come first: they end at the next entry, so whatever lengths entries claim, all of
    them together are summed once.
    """
    if not ring.startswith(c.LOG_ENTRY_SIGNATURE, position):
        return None
    header = c.definitions().log_entry_header(ring[position : position + c.LOG_ENTRY_SIZE])
    length, tail, count = int(header.entry_length), int(header.tail), int(header.descriptor_count)
    if not 0 < length <= len(ring) or length % c.LOG_SECTOR or tail >= len(ring) or tail % c.LOG_SECTOR:
        return None
    if header.sequence_number == 0 or bytes(header.log_guid) != guid.bytes_le or _table_size(count) > length:
        return None
    for within in range(c.LOG_SECTOR, length, c.LOG_SECTOR):
        place = (position + within) % len(ring)
        signature = ring[place : place + 4]
        expected = (
            (c.LOG_DATA_SECTOR,) if within >= _table_size(count) else (c.LOG_DATA_DESCRIPTOR, c.LOG_ZERO_DESCRIPTOR)
        )
        if signature not in expected:
            return None
    entry = _Entry(
        position=position,
        length=length,
        sequence=int(header.sequence_number),
        tail=tail,
        descriptor_count=count,
        flushed_file_offset=int(header.flushed_file_offset),
        last_file_offset=int(header.last_file_offset),
    )
    data = _piece(ring, position, length)
    return entry if _is_consistent(data, entry) and checksum_is_right(data) else None


def _table_size(count: int) -> int:
    """Bytes of whole sectors that the header of an entry and its descriptors take."""
    return -(-(c.LOG_ENTRY_SIZE + count * c.LOG_DESCRIPTOR.size) // c.LOG_SECTOR) * c.LOG_SECTOR


def _descriptors(data: bytes, entry: _Entry) -> Iterator[tuple[bytes, bytes, bytes, int, int]]:
    table = data[c.LOG_ENTRY_SIZE :][: entry.descriptor_count * c.LOG_DESCRIPTOR.size]
    yield from c.LOG_DESCRIPTOR.iter_unpack(table)


def _is_consistent(data: bytes, entry: _Entry) -> bool:
    """Every descriptor and data sector has the entry's number and lies at whole pages, with a sector for each page."""
    sectors = 0
    for signature, _, leading, offset, sequence in _descriptors(data, entry):
        length = int.from_bytes(leading, "little") if signature == c.LOG_ZERO_DESCRIPTOR else 0
        if signature not in _DESCRIPTORS or sequence != entry.sequence:
            return False
        if offset % c.LOG_SECTOR or length % c.LOG_SECTOR or (length and offset + length > entry.last_file_offset):
            return False
        sectors += signature == c.LOG_DATA_DESCRIPTOR
    start = _table_size(entry.descriptor_count)
    high, low = (entry.sequence >> 32).to_bytes(4, "little"), (entry.sequence & 0xFFFFFFFF).to_bytes(4, "little")
    return start + sectors * c.LOG_SECTOR == len(data) and all(
        data[at + 4 : at + 8] == high and data[at + c.LOG_SECTOR - 4 : at + c.LOG_SECTOR] == low
        for at in range(start, len(data), c.LOG_SECTOR)
    )


def _writes(data: bytes, entry: _Entry) -> Iterator[Write]:
    """What a valid entry writes. A page lost its first 8 and last 4 bytes to the signs of its data sector."""
    at = _table_size(entry.descriptor_count)
    for signature, trailing, leading, offset, _ in _descriptors(data, entry):
        if signature == c.LOG_ZERO_DESCRIPTOR:
            yield Write(offset, int.from_bytes(leading, "little"))
            continue
        page = leading + data[at + 8 : at + c.LOG_SECTOR - 4] + trailing
        yield Write(offset, len(page), page)
        at += c.LOG_SECTOR
