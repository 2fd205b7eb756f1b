"""File records of NTFS, as far as libfsntfs does not give what stands in them: the raw data of a reparse point, the
flags of the volume, and where the index of a folder lies.

Layout as in the public descriptions of NTFS (FILE_RECORD_SEGMENT_HEADER and ATTRIBUTE_RECORD_HEADER).
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from buildlab.errors import FormatError

ATTRIBUTE_LIST = 0x20
VOLUME_INFORMATION = 0x70
INDEX_ROOT = 0x90
INDEX_ALLOCATION = 0xA0
REPARSE_POINT = 0xC0
_END = 0xFFFFFFFF
_HEADER_SIZE = 48
_FIXUP = struct.Struct("<HH")
_ATTRIBUTE = struct.Struct("<IIBBH")
_FILE_NAMES = "$I30".encode("utf-16-le")
_IN_USE, _FOLDER = 1, 2
_RESIDENT = struct.Struct("<IH")
_RESIDENT_OFFSET = 16
_OUTSIDE_SIZE = 64
_OUTSIDE = struct.Struct("<QQH6xQQ")
_OUTSIDE_OFFSET = 16
_LONGEST_OUTSIDE = 256 << 10
"""Bytes that NTFS allows an attribute list to have; reparse points are smaller."""
_VOLUME_INFORMATION = struct.Struct("<8xBBH")
_LIST_ENTRY_SIZE = 26
_SECTOR = 512
_RECORD_NUMBER = (1 << 48) - 1

Runs = list[tuple[int, int]]
"""Runs of clusters, each the number of its first cluster and how many."""
ReadRecord = Callable[[int], bytes]
ReadRuns = Callable[[Runs, int], bytes]
"""Gives so many bytes of runs of clusters."""


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """Where the index of a folder's names lies: the content of its root, and the runs of its other nodes."""

    root: bytes
    runs: Runs


def reparse_point(number: int, read_record: ReadRecord, read_runs: ReadRuns) -> bytes:
    """The content of the reparse point of file `number`, found in its record or one that its attribute list names.

    `read_record` gives a record as it is stored, `read_runs` what lies outside of records. FormatError where a record
    is damaged or there is no reparse point.
    """
    for attribute in _attributes_of(number, without_fixups(read_record(number)), REPARSE_POINT, read_record, read_runs):
        return _content(attribute, read_runs)
    raise FormatError("ntfs", f"file record {number} holds no reparse point")


def folder_index(reference: int, read_record: ReadRecord, read_runs: ReadRuns) -> FolderIndex:
    """The index of the folder with this file reference; FormatError where its record is damaged, belongs to another
    file by now, or to one that is no folder."""
    number, sequence = reference & _RECORD_NUMBER, reference >> 48
    record = without_fixups(read_record(number))
    if int.from_bytes(record[16:18], "little") != sequence or not record[22] & _IN_USE:
        raise FormatError("ntfs", f"file record {number} belongs to another file by now")
    if not record[22] & _FOLDER:
        raise FormatError("ntfs", f"file record {number} is not that of a folder")
    root: bytes | None = None
    for attribute in _attributes_of(number, record, INDEX_ROOT, read_record, read_runs):
        if root is None and _name(attribute) == _FILE_NAMES:
            root = _content(attribute, read_runs)
    if root is None:
        raise FormatError("ntfs", f"file record {number} holds no index of names")
    parts: dict[int, tuple[int, Runs]] = {}
    for attribute in _attributes_of(number, record, INDEX_ALLOCATION, read_record, read_runs):
        if _name(attribute) == _FILE_NAMES:
            first, last, runs, _ = _outside(attribute)
            parts.setdefault(first, (last, runs))
    due, whole = 0, Runs()
    for first in sorted(parts):
        last, runs = parts[first]
        if first != due or sum(count for _, count in runs) != last + 1 - first:
            raise FormatError("ntfs", f"the runs of the index of file record {number} have a gap")
        due = last + 1
        whole += runs
    return FolderIndex(root, whole)


def volume_flags(stored: bytes, read_runs: ReadRuns) -> int:
    """The flags in the record of ``$Volume``; FormatError where it is damaged or has none."""
    for attribute in _attributes(without_fixups(stored), VOLUME_INFORMATION):
        value = _content(attribute, read_runs)
        if len(value) < _VOLUME_INFORMATION.size:
            break
        _major, _minor, flags = _VOLUME_INFORMATION.unpack_from(value)
        return int(flags)
    raise FormatError("ntfs", "the record of the volume does not hold its flags")


def _attributes_of(
    number: int, record: bytes, kind: int, read_record: ReadRecord, read_runs: ReadRuns
) -> Iterator[bytes]:
    """The attributes of one type of file `number`: those in its own `record`, then those in others of its list."""
    yield from _attributes(record, kind)
    for attributes in _attributes(record, ATTRIBUTE_LIST):
        for other in dict.fromkeys(_listed(_content(attributes, read_runs), kind)):
            if other != number:
                yield from _attributes(without_fixups(read_record(other)), kind)


def _attributes(record: bytes, kind: int) -> Iterator[bytes]:
    """The attributes of one type in one record."""
    offset = int.from_bytes(record[20:22], "little")
    while offset + 4 <= len(record) and int.from_bytes(record[offset : offset + 4], "little") != _END:
        if offset + _RESIDENT_OFFSET + _RESIDENT.size > len(record):
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        found, size, _, _, _ = _ATTRIBUTE.unpack_from(record, offset)
        if size < _RESIDENT_OFFSET + _RESIDENT.size or size > len(record) - offset:
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        if found == kind:
            yield record[offset : offset + size]
        offset += size


def _name(attribute: bytes) -> bytes:
    """The name of an attribute in UTF-16, empty for one without."""
    _, _, _, characters, offset = _ATTRIBUTE.unpack_from(attribute)
    return attribute[offset : offset + 2 * characters]


def _content(attribute: bytes, read_runs: ReadRuns) -> bytes:
    if not attribute[8]:
        return _inside(attribute)
    _, _, runs, size = _outside(attribute)
    if size > _LONGEST_OUTSIDE:
        raise FormatError("ntfs", f"an attribute list or reparse point of {size} bytes")
    return read_runs(runs, size)


def _inside(attribute: bytes) -> bytes:
    """The content of a resident attribute."""
    length, start = _RESIDENT.unpack_from(attribute, _RESIDENT_OFFSET)
    if start + length > len(attribute):
        raise FormatError("ntfs", "the content of an attribute passes its end")
    return attribute[start : start + length]


def _outside(attribute: bytes) -> tuple[int, int, Runs, int]:
    """Of an attribute outside of its record: its first and last virtual cluster, the runs between them, and the size of
    the whole in bytes."""
    if not attribute[8] or len(attribute) < _OUTSIDE_SIZE:
        raise FormatError("ntfs", "an attribute outside of its record is cut, or inside")
    first, last, place, _allocated, size = _OUTSIDE.unpack_from(attribute, _OUTSIDE_OFFSET)
    runs = Runs()
    cluster = 0
    while place < len(attribute) and attribute[place]:
        length_size, delta_size = attribute[place] & 15, attribute[place] >> 4
        end = place + 1 + length_size + delta_size
        if not length_size or not delta_size or end > len(attribute):
            raise FormatError("ntfs", "the runs of an attribute outside of its record are damaged")
        length = int.from_bytes(attribute[place + 1 : place + 1 + length_size], "little")
        cluster += int.from_bytes(attribute[place + 1 + length_size : end], "little", signed=True)
        if cluster < 0:
            raise FormatError("ntfs", "a run of an attribute begins before the volume")
        runs.append((cluster, length))
        place = end
    return first, last, runs, size


def without_fixups(stored: bytes, signature: bytes = b"FILE") -> bytes:
    """A record with the last two bytes of each sector put back; FormatError where it does not begin with `signature`,
    is cut or was written in part only."""
    if len(stored) < _HEADER_SIZE or stored[:4] != signature:
        raise FormatError("ntfs", f"a record is cut or does not begin with {signature.decode()}")
    record = bytearray(stored)
    place, count = _FIXUP.unpack_from(record, 4)
    if place + 2 * count > len(record) or (count - 1) * _SECTOR > len(record):
        raise FormatError("ntfs", "the fix-ups pass the end of their record")
    for index in range(1, count):
        end = index * _SECTOR
        if record[end - 2 : end] != stored[place : place + 2]:
            raise FormatError("ntfs", "a record was written in part only", offset=end - 2)
        record[end - 2 : end] = stored[place + 2 * index : place + 2 * index + 2]
    return bytes(record)


def _listed(entries: bytes, kind: int) -> Iterator[int]:
    """The numbers of the records in which an attribute list places attributes of this type."""
    offset = 0
    while offset + _LIST_ENTRY_SIZE <= len(entries):
        found, length = struct.unpack_from("<IH", entries, offset)
        if length < _LIST_ENTRY_SIZE:
            raise FormatError("ntfs", "an entry of an attribute list is too short")
        if found == kind:
            yield int.from_bytes(entries[offset + 16 : offset + 24], "little") & _RECORD_NUMBER
        offset += length
