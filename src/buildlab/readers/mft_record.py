"""File records of NTFS, as far as libfsntfs does not give what stands in them: the raw data of a reparse point, and
the flags of the volume.

Layout as in the public descriptions of NTFS (FILE_RECORD_SEGMENT_HEADER and ATTRIBUTE_RECORD_HEADER).
"""

import struct
from collections.abc import Callable, Iterator

from buildlab.errors import FormatError

ATTRIBUTE_LIST = 0x20
VOLUME_INFORMATION = 0x70
REPARSE_POINT = 0xC0
_END = 0xFFFFFFFF
_HEADER_SIZE = 48
_FIXUP = struct.Struct("<HH")
_ATTRIBUTE = struct.Struct("<IIB")
_RESIDENT = struct.Struct("<IH")
_RESIDENT_OFFSET = 16
_OUTSIDE_SIZE = 64
_OUTSIDE = struct.Struct("<H6xQQ")
_OUTSIDE_OFFSET = 32
_LONGEST_OUTSIDE = 256 << 10
"""Bytes that NTFS allows an attribute list to have; reparse points are smaller."""
_VOLUME_INFORMATION = struct.Struct("<8xBBH")
_LIST_ENTRY_SIZE = 26
_SECTOR = 512
_RECORD_NUMBER = (1 << 48) - 1

ReadRecord = Callable[[int], bytes]
ReadRuns = Callable[[list[tuple[int, int]], int], bytes]
"""Gives so many bytes of runs of clusters, each the number of its first cluster and how many."""


def reparse_point(number: int, read_record: ReadRecord, read_runs: ReadRuns) -> bytes:
    """The content of the reparse point of file `number`, found in its record or one that its attribute list names.

    `read_record` gives a record as it is stored, `read_runs` what lies outside of records. FormatError where a record
    is damaged or there is no reparse point.
    """
    for kind, value in _attributes(read_record(number), read_runs):
        if kind == REPARSE_POINT:
            return value
        if kind == ATTRIBUTE_LIST:
            for other in _listed(value, REPARSE_POINT):
                if other == number:
                    continue
                for found, content in _attributes(read_record(other), read_runs):
                    if found == REPARSE_POINT:
                        return content
    raise FormatError("ntfs", f"file record {number} holds no reparse point")


def volume_flags(stored: bytes, read_runs: ReadRuns) -> int:
    """The flags in the record of ``$Volume``; FormatError where it is damaged or has none."""
    for kind, value in _attributes(stored, read_runs):
        if kind == VOLUME_INFORMATION:
            if len(value) < _VOLUME_INFORMATION.size:
                break
            _major, _minor, flags = _VOLUME_INFORMATION.unpack_from(value)
            return int(flags)
    raise FormatError("ntfs", "the record of the volume does not hold its flags")


def _attributes(stored: bytes, read_runs: ReadRuns) -> Iterator[tuple[int, bytes]]:
    """Type and content of the attributes that are of use here, in the order of their types."""
    record = _without_fixups(stored)
    offset = int.from_bytes(record[20:22], "little")
    while offset + 4 <= len(record) and int.from_bytes(record[offset : offset + 4], "little") != _END:
        if offset + _RESIDENT_OFFSET + _RESIDENT.size > len(record):
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        kind, size, is_outside = _ATTRIBUTE.unpack_from(record, offset)
        if size < _RESIDENT_OFFSET + _RESIDENT.size or size > len(record) - offset:
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        if kind in (ATTRIBUTE_LIST, VOLUME_INFORMATION, REPARSE_POINT):
            attribute = record[offset : offset + size]
            yield kind, read_runs(*_outside(attribute)) if is_outside else _inside(attribute)
        offset += size


def _inside(attribute: bytes) -> bytes:
    """The content of a resident attribute."""
    length, start = _RESIDENT.unpack_from(attribute, _RESIDENT_OFFSET)
    if start + length > len(attribute):
        raise FormatError("ntfs", "the content of an attribute passes its end")
    return attribute[start : start + length]


def _outside(attribute: bytes) -> tuple[list[tuple[int, int]], int]:
    """The runs of clusters in which the content of an attribute lies, and its size in bytes."""
    if len(attribute) < _OUTSIDE_SIZE:
        raise FormatError("ntfs", "an attribute outside of its record is cut")
    place, _allocated, size = _OUTSIDE.unpack_from(attribute, _OUTSIDE_OFFSET)
    if size > _LONGEST_OUTSIDE:
        raise FormatError("ntfs", f"an attribute list or reparse point of {size} bytes")
    runs: list[tuple[int, int]] = []
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
    return runs, size


def _without_fixups(stored: bytes) -> bytes:
    """The record with the last two bytes of each sector put back."""
    if len(stored) < _HEADER_SIZE or stored[:4] != b"FILE":
        raise FormatError("ntfs", "a file record is cut or does not begin with FILE")
    record = bytearray(stored)
    place, count = _FIXUP.unpack_from(record, 4)
    if place + 2 * count > len(record) or (count - 1) * _SECTOR > len(record):
        raise FormatError("ntfs", "the fix-ups pass the end of their file record")
    for index in range(1, count):
        end = index * _SECTOR
        if record[end - 2 : end] != stored[place : place + 2]:
            raise FormatError("ntfs", "a file record was written in part only", offset=end - 2)
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
