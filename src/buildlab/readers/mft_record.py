"""File records of NTFS, as far as libfsntfs does not give what stands in them: the raw data of a reparse point.

Layout as in the public descriptions of NTFS (FILE_RECORD_SEGMENT_HEADER and ATTRIBUTE_RECORD_HEADER).
"""

import struct
from collections.abc import Callable, Iterator

from buildlab.errors import FormatError, UnsupportedContentError

ATTRIBUTE_LIST = 0x20
REPARSE_POINT = 0xC0
_END = 0xFFFFFFFF
_HEADER_SIZE = 48
_FIXUP = struct.Struct("<HH")
_ATTRIBUTE = struct.Struct("<IIB")
_RESIDENT = struct.Struct("<IH")
_RESIDENT_OFFSET = 16
_LIST_ENTRY_SIZE = 26
_SECTOR = 512
_RECORD_NUMBER = (1 << 48) - 1

ReadRecord = Callable[[int], bytes]


def reparse_point(number: int, read_record: ReadRecord) -> bytes:
    """The content of the reparse point of file `number`, found in its record or one that its attribute list names.

    `read_record` gives a record as it is stored. FormatError where a record is damaged or there is no reparse point,
    UnsupportedContentError where the attribute list itself lies outside of the record.
    """
    for kind, value in _attributes(read_record(number)):
        if kind == REPARSE_POINT:
            return value
        if kind == ATTRIBUTE_LIST:
            for other in _listed(value, REPARSE_POINT):
                if other == number:
                    continue
                for found, content in _attributes(read_record(other)):
                    if found == REPARSE_POINT:
                        return content
    raise FormatError("ntfs", f"file record {number} holds no reparse point")


def _attributes(stored: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of the attributes before the names and data, in the order of their types."""
    record = _without_fixups(stored)
    offset = int.from_bytes(record[20:22], "little")
    while offset + 4 <= len(record) and int.from_bytes(record[offset : offset + 4], "little") != _END:
        if offset + _RESIDENT_OFFSET + _RESIDENT.size > len(record):
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        kind, size, is_outside = _ATTRIBUTE.unpack_from(record, offset)
        if size < _RESIDENT_OFFSET + _RESIDENT.size or size > len(record) - offset:
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        if kind in (ATTRIBUTE_LIST, REPARSE_POINT):
            if is_outside:
                raise UnsupportedContentError(
                    f"attribute {kind:#x} of a compressed file lies outside of its file record"
                )
            length, start = _RESIDENT.unpack_from(record, offset + _RESIDENT_OFFSET)
            if start + length > size:
                raise FormatError("ntfs", "the content of an attribute passes its end", offset=offset)
            yield kind, record[offset + start : offset + start + length]
        offset += size


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
