"""File records of NTFS: the attributes of a file, in its own record and in others that its attribute list names.

Layout as in the public descriptions of NTFS (FILE_RECORD_SEGMENT_HEADER and ATTRIBUTE_RECORD_HEADER).
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from buildlab.errors import FormatError, UnsupportedContentError
from buildlab.readers.codecs.ntfs_records import (
    attributes_of,
    file_flags,
    plain_stream,
    runs_at,
    without_fixups,
)

STANDARD_INFORMATION = 0x10
ATTRIBUTE_LIST = 0x20
VOLUME_INFORMATION = 0x70
DATA = 0x80
INDEX_ROOT = 0x90
INDEX_ALLOCATION = 0xA0
REPARSE_POINT = 0xC0
RECORD_NUMBER = (1 << 48) - 1
"""The part of a file reference that is the number of a record; above it is the sequence number."""
FOLDER_INDEX = "$I30"
_RECORD = struct.Struct("<16xH4xH8xQ")
_NAME = struct.Struct("<BH")
_FLAGS = slice(12, 14)
_IN_USE, _FOLDER = 1, 2
_COMPRESSED, _ENCRYPTED = 0xFF, 0x4000
_LZNT1 = 1
_RESIDENT = struct.Struct("<IH")
_RESIDENT_OFFSET = 16
_OUTSIDE = struct.Struct("<H2xQQHH4x8xQQ")
_OUTSIDE_OFFSET = 12
_OUTSIDE_SIZE = 64
_LARGEST_UNIT = 8
_MOST_RUNS = 4_000_000
_MOST_TABLE_PARTS = 1000
_EMPTY = (1 << 64) - 1
_LONGEST_VALUE = 256 << 10
"""Bytes that NTFS allows an attribute list to have; other attributes that are read whole are smaller."""
_VOLUME_INFORMATION = struct.Struct("<8xBBH")
_LIST_ENTRY_SIZE = 26

Runs = list[tuple[int, int]]
"""Runs of clusters, each the number of its first cluster (or `codecs.ntfs_records.HOLE`) and how many."""
ReadRecord = Callable[[int], bytes]
"""Gives a file record by its number, as it is stored."""
ReadRuns = Callable[[Runs, int], bytes]
"""Gives so many bytes of runs of clusters."""


class StoredStream(NamedTuple):
    """Where the content of an attribute lies: in the record (`inside`), or in runs of clusters.

    `size` and `written` in bytes: what lies behind the latter was never written and is zeros. `unit` is the number of
    clusters of a compression unit, 0 for what is not compressed.
    """

    inside: bytes | None
    runs: Runs
    size: int
    written: int
    unit: int = 0
    is_encrypted: bool = False


class _Outside(NamedTuple):
    """An attribute, or a part of one, outside of its record: from which virtual cluster on, how many, where they are;
    the compression unit (as a power of two), size and written size in bytes of the whole, and the flags."""

    first: int
    clusters: int
    runs: Runs
    unit: int
    size: int
    written: int
    flags: int


class FileRecord:
    """The record of one file or folder. FormatError, from every method too, where it is damaged."""

    __slots__ = ("_listed", "_own", "_read_record", "_read_runs", "is_folder", "number", "reference")

    def __init__(self, number: int, read_record: ReadRecord, read_runs: ReadRuns) -> None:
        self._read_record = read_record
        self._read_runs = read_runs
        self.number = number
        record = without_fixups(read_record(number))
        sequence, flags, base = _RECORD.unpack_from(record)
        self.reference = int(sequence) << 48 | number
        """The number, and above 48 bits how often the record was given to a file."""
        self._own = attributes_of(record)
        self._listed: list[tuple[int, int]] | None = None
        if not flags & _IN_USE or base & RECORD_NUMBER:
            raise FormatError("ntfs", f"file record {number} is not that of a file")
        self.is_folder = bool(flags & _FOLDER)

    @property
    def attribute_flags(self) -> int:
        """The flags of the file, ``FILE_ATTRIBUTE_ENCRYPTED`` and the like; 0 where it has none."""
        for attribute in self._own.get(STANDARD_INFORMATION, ()):
            flags: int = file_flags(attribute)
            return flags
        return 0

    def value(self, kind: int, name: str = "") -> bytes | None:
        """The whole content of a short attribute, None where the file has none."""
        if kind not in self._own and ATTRIBUTE_LIST not in self._own:
            return None  # of most kinds, most files have none
        for attribute in self._attributes(kind, name):
            return _value(attribute, self._read_runs)
        return None

    def stream(self, kind: int, name: str = "") -> StoredStream | None:
        """Where the content of an attribute lies, put together from all records that have a part of it."""
        own = self._own.get(kind, ())
        if len(own) == 1 and not name and ATTRIBUTE_LIST not in self._own:
            plain = plain_stream(own[0])  # as by far the most are
            if plain is not None:
                return StoredStream(None, *plain)
        parts: dict[int, _Outside] = {}
        runs = 0
        for attribute in self._attributes(kind, name):
            if not attribute[8]:
                content = _inside(attribute)
                return StoredStream(content, [], len(content), len(content), is_encrypted=_is_encrypted(attribute))
            part = _outside(attribute)
            runs += len(part.runs)
            if part.first in parts or runs > _MOST_RUNS:
                raise FormatError("ntfs", f"file record {self.number} lists parts of an attribute that cannot be")
            parts[part.first] = part
        return self._stream([parts[first] for first in sorted(parts)]) if parts else None

    def growing_stream(self, kind: int) -> Iterator[StoredStream]:
        """The unnamed attribute as far as it is known with each further part: the records that tell of the later parts
        of the file table lie in the earlier ones."""
        parts: dict[int, _Outside] = {}
        for attribute in self._attributes(kind, ""):
            part = _outside(attribute)
            if part.first in parts or len(parts) >= _MOST_TABLE_PARTS:
                raise FormatError("ntfs", "the file table lists parts that cannot be")
            parts[part.first] = part
            yield self._stream([parts[first] for first in sorted(parts)])
        if not parts:
            raise FormatError("ntfs", "the record of the file table does not tell where it lies")

    def _stream(self, parts: list[_Outside]) -> StoredStream:
        """The parts of an attribute as one, in the order of their clusters."""
        whole = parts[0]
        if whole.first:
            raise FormatError("ntfs", f"file record {self.number} lacks the first part of an attribute")
        if whole.unit > _LARGEST_UNIT:
            raise FormatError("ntfs", f"file record {self.number} states compression units of 2^{whole.unit} clusters")
        due, runs = 0, Runs()
        for part in parts:
            runs += part.runs
            held = 0
            for _, count in part.runs:
                held += count
            if part.first != due or held != part.clusters:
                raise FormatError("ntfs", f"the runs of an attribute of file record {self.number} have a gap")
            due += held
        packed = whole.flags & _COMPRESSED
        if packed not in (0, _LZNT1) or (packed and not whole.unit):
            raise UnsupportedContentError(f"compression {packed} of NTFS in units of 2^{whole.unit} clusters")
        unit = 1 << whole.unit if packed else 0
        return StoredStream(None, runs, whole.size, whole.written, unit, bool(whole.flags & _ENCRYPTED))

    def _attributes(self, kind: int, name: str) -> Iterator[bytes]:
        """Those of one type and name: first what is in the record itself, then what its list names in others."""
        wanted = name.encode("utf-16-le")
        for attribute in self._own.get(kind, ()):
            if _name(attribute) == wanted:
                yield attribute
        if ATTRIBUTE_LIST not in self._own:
            return
        if self._listed is None:
            lists = (_value(one, self._read_runs) for one in self._own[ATTRIBUTE_LIST])
            self._listed = [entry for one in lists for entry in _listed(one)]
        for other in dict.fromkeys(reference for found, reference in self._listed if found == kind):
            number = other & RECORD_NUMBER
            if number == self.number:
                continue
            record = without_fixups(self._read_record(number))
            sequence, flags, base = _RECORD.unpack_from(record)
            if sequence != other >> 48 or not flags & _IN_USE or base != self.reference:
                raise FormatError("ntfs", f"file record {number} is no part of file {self.number}")
            for attribute in attributes_of(record).get(kind, ()):
                if _name(attribute) == wanted:
                    yield attribute


def volume_flags(stored: bytes, read_runs: ReadRuns) -> int:
    """The flags in the record of ``$Volume``; FormatError where it is damaged or has none."""
    for attribute in attributes_of(without_fixups(stored)).get(VOLUME_INFORMATION, ()):
        value = _value(attribute, read_runs)
        if len(value) < _VOLUME_INFORMATION.size:
            break
        _major, _minor, flags = _VOLUME_INFORMATION.unpack_from(value)
        return int(flags)
    raise FormatError("ntfs", "the record of the volume does not hold its flags")


def _name(attribute: bytes) -> bytes:
    """The name of an attribute in UTF-16, empty for one without."""
    if not attribute[9]:
        return b""
    characters, offset = _NAME.unpack_from(attribute, 9)
    return attribute[offset : offset + 2 * characters]


def _is_encrypted(attribute: bytes) -> bool:
    return bool(int.from_bytes(attribute[_FLAGS], "little") & _ENCRYPTED)


def _value(attribute: bytes, read_runs: ReadRuns) -> bytes:
    if not attribute[8]:
        return _inside(attribute)
    whole = _outside(attribute)
    if whole.size > _LONGEST_VALUE:
        raise FormatError("ntfs", f"an attribute list or reparse point of {whole.size} bytes")
    return read_runs(whole.runs, whole.size)


def _inside(attribute: bytes) -> bytes:
    """The content of a resident attribute."""
    length, start = _RESIDENT.unpack_from(attribute, _RESIDENT_OFFSET)
    if start + length > len(attribute):
        raise FormatError("ntfs", "the content of an attribute passes its end")
    return attribute[start : start + length]


def _outside(attribute: bytes) -> _Outside:
    if not attribute[8] or len(attribute) < _OUTSIDE_SIZE:
        raise FormatError("ntfs", "an attribute outside of its record is cut, or inside")
    flags, first, last, place, unit, size, written = _OUTSIDE.unpack_from(attribute, _OUTSIDE_OFFSET)
    clusters = 0 if last == _EMPTY else last + 1 - first
    return _Outside(first, clusters, runs_at(attribute, place), unit, size, written, flags)


def _listed(entries: bytes) -> Iterator[tuple[int, int]]:
    """The types of attributes in an attribute list, and the references of the records that have them."""
    offset = 0
    while offset + _LIST_ENTRY_SIZE <= len(entries):
        found, length = struct.unpack_from("<IH", entries, offset)
        if length < _LIST_ENTRY_SIZE:
            raise FormatError("ntfs", "an entry of an attribute list is too short")
        yield found, int.from_bytes(entries[offset + 16 : offset + 24], "little")
        offset += length
