"""File records of NTFS: the attributes of a file, in its own record and in others that its attribute list names.

Layout as in the public descriptions of NTFS (FILE_RECORD_SEGMENT_HEADER and ATTRIBUTE_RECORD_HEADER).
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from buildlab.errors import FormatError, UnsupportedContentError

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
HOLE = -1
"""In the place of a cluster's number: nothing is stored, and zeros are meant."""
_END = 0xFFFFFFFF
_HEADER_SIZE = 48
_FIXUP = struct.Struct("<HH")
_RECORD = struct.Struct("<16xH4xH8xQ")
_TYPE_AND_SIZE = struct.Struct("<II")
_NAME = struct.Struct("<BH")
_FLAGS = slice(12, 14)
_IN_USE, _FOLDER = 1, 2
_COMPRESSED, _ENCRYPTED = 0xFF, 0x4000
_LZNT1 = 1
_RESIDENT = struct.Struct("<IH")
_RESIDENT_OFFSET = 16
_SMALLEST_ATTRIBUTE = 22
_OUTSIDE = struct.Struct("<H2xQQHH4x8xQQ")
_OUTSIDE_OFFSET = 12
_OUTSIDE_SIZE = 64
_LARGEST_UNIT = 8
_MOST_RUNS = 4_000_000
_MOST_TABLE_PARTS = 1000
_FILE_FLAGS = slice(32, 36)
_EMPTY = (1 << 64) - 1
_LONGEST_VALUE = 256 << 10
"""Bytes that NTFS allows an attribute list to have; other attributes that are read whole are smaller."""
_VOLUME_INFORMATION = struct.Struct("<8xBBH")
_LIST_ENTRY_SIZE = 26
_SECTOR = 512

Runs = list[tuple[int, int]]
"""Runs of clusters, each the number of its first cluster (or `HOLE`) and how many."""
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

    def __init__(self, number: int, read_record: ReadRecord, read_runs: ReadRuns) -> None:
        self._read_record = read_record
        self._read_runs = read_runs
        self.number = number
        self._record = without_fixups(read_record(number))
        self._sequence, flags, base = _RECORD.unpack_from(self._record)
        self._own = _attributes(self._record)
        self._listed: list[tuple[int, int]] | None = None
        if not flags & _IN_USE or base & RECORD_NUMBER:
            raise FormatError("ntfs", f"file record {number} is not that of a file")
        self.is_folder = bool(flags & _FOLDER)

    @property
    def reference(self) -> int:
        """The number, and above 48 bits how often the record was given to a file."""
        return int(self._sequence) << 48 | self.number

    @property
    def attribute_flags(self) -> int:
        """The flags of the file, ``FILE_ATTRIBUTE_ENCRYPTED`` and the like; 0 where it has none."""
        for attribute in self._own.get(STANDARD_INFORMATION, ()):
            flags = _inside(attribute)[_FILE_FLAGS]
            if len(flags) < 4:
                raise FormatError("ntfs", f"the flags of file record {self.number} are cut")
            return int.from_bytes(flags, "little")
        return 0

    def value(self, kind: int, name: str = "") -> bytes | None:
        """The whole content of a short attribute, None where the file has none."""
        for attribute in self._attributes(kind, name):
            return _value(attribute, self._read_runs)
        return None

    def stream(self, kind: int, name: str = "") -> StoredStream | None:
        """Where the content of an attribute lies, put together from all records that have a part of it."""
        own = self._own.get(kind, ())
        if len(own) == 1 and not name and not own[0][9] and own[0][8] and ATTRIBUTE_LIST not in self._own:
            part = _outside(own[0])
            return self._stream({part.first: part})  # by far the most
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
        return self._stream(parts) if parts else None

    def growing_stream(self, kind: int) -> Iterator[StoredStream]:
        """The unnamed attribute as far as it is known with each further part: the records that tell of the later parts
        of the file table lie in the earlier ones."""
        parts: dict[int, _Outside] = {}
        for attribute in self._attributes(kind, ""):
            part = _outside(attribute)
            if part.first in parts or len(parts) >= _MOST_TABLE_PARTS:
                raise FormatError("ntfs", "the file table lists parts that cannot be")
            parts[part.first] = part
            yield self._stream(parts)
        if not parts:
            raise FormatError("ntfs", "the record of the file table does not tell where it lies")

    def _stream(self, parts: dict[int, _Outside]) -> StoredStream:
        whole = parts.get(0)
        if whole is None:
            raise FormatError("ntfs", f"file record {self.number} lacks the first part of an attribute")
        if whole.unit > _LARGEST_UNIT:
            raise FormatError("ntfs", f"file record {self.number} states compression units of 2^{whole.unit} clusters")
        due, runs = 0, Runs()
        for first in sorted(parts):
            part = parts[first]
            runs += part.runs
            if first != due or sum(count for _, count in part.runs) != part.clusters:
                raise FormatError("ntfs", f"the runs of an attribute of file record {self.number} have a gap")
            due += part.clusters
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
            for attribute in _attributes(record).get(kind, ()):
                if _name(attribute) == wanted:
                    yield attribute


def volume_flags(stored: bytes, read_runs: ReadRuns) -> int:
    """The flags in the record of ``$Volume``; FormatError where it is damaged or has none."""
    for attribute in _attributes(without_fixups(stored)).get(VOLUME_INFORMATION, ()):
        value = _value(attribute, read_runs)
        if len(value) < _VOLUME_INFORMATION.size:
            break
        _major, _minor, flags = _VOLUME_INFORMATION.unpack_from(value)
        return int(flags)
    raise FormatError("ntfs", "the record of the volume does not hold its flags")


def _attributes(record: bytes) -> dict[int, list[bytes]]:
    """The attributes in one record, by their types."""
    found: dict[int, list[bytes]] = {}
    offset, end = int.from_bytes(record[20:22], "little"), len(record)
    while offset + _TYPE_AND_SIZE.size <= end:
        kind, size = _TYPE_AND_SIZE.unpack_from(record, offset)
        if kind == _END:
            return found
        if size < _SMALLEST_ATTRIBUTE or size > end - offset:
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        attribute = record[offset : offset + size]
        if kind in found:
            found[kind].append(attribute)
        else:
            found[kind] = [attribute]
        offset += size
    raise FormatError("ntfs", "the attributes of a file record have no end", offset=offset)


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
    return _Outside(first, clusters, _runs(attribute, place), unit, size, written, flags)


def _runs(attribute: bytes, place: int) -> Runs:
    """The runs of clusters, in pairs of numbers of few bytes: how many, and how far from the run before."""
    runs = Runs()
    cluster = 0
    while place < len(attribute) and attribute[place]:
        length_size, delta_size = attribute[place] & 15, attribute[place] >> 4
        end = place + 1 + length_size + delta_size
        if not length_size or length_size > 8 or delta_size > 8 or end > len(attribute):
            raise FormatError("ntfs", "the runs of an attribute outside of its record are damaged")
        length = int.from_bytes(attribute[place + 1 : place + 1 + length_size], "little")
        if delta_size:
            cluster += int.from_bytes(attribute[place + 1 + length_size : end], "little", signed=True)
            if cluster < 0:
                raise FormatError("ntfs", "a run of an attribute begins before the volume")
        if length:
            runs.append((cluster if delta_size else HOLE, length))
        place = end
    return runs


def without_fixups(stored: bytes, signature: bytes = b"FILE") -> bytes:
    """A record with the last two bytes of each sector put back; FormatError where it does not begin with `signature`,
    is cut or was written in part only."""
    if len(stored) < _HEADER_SIZE or stored[:4] != signature:
        raise FormatError("ntfs", f"a record is cut or does not begin with {signature.decode()}")
    record = bytearray(stored)
    place, count = _FIXUP.unpack_from(record, 4)
    if place + 2 * count > len(record) or (count - 1) * _SECTOR != len(record):
        raise FormatError("ntfs", "the fix-ups are not those of all sectors of their record")
    mark, end = stored[place : place + 2], _SECTOR
    for saved in range(place + 2, place + 2 * count, 2):
        if stored[end - 2 : end] != mark:
            raise FormatError("ntfs", "a record was written in part only", offset=end - 2)
        record[end - 2 : end] = stored[saved : saved + 2]
        end += _SECTOR
    return bytes(record)


def _listed(entries: bytes) -> Iterator[tuple[int, int]]:
    """The types of attributes in an attribute list, and the references of the records that have them."""
    offset = 0
    while offset + _LIST_ENTRY_SIZE <= len(entries):
        found, length = struct.unpack_from("<IH", entries, offset)
        if length < _LIST_ENTRY_SIZE:
            raise FormatError("ntfs", "an entry of an attribute list is too short")
        yield found, int.from_bytes(entries[offset + 16 : offset + 24], "little")
        offset += length
