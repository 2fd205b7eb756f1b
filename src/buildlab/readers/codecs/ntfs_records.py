# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""How NTFS lays out its records: fix-ups, attributes, runs of clusters as mapping pairs, and the nodes of an index.

As in the public descriptions of NTFS (MULTI_SECTOR_HEADER, ATTRIBUTE_RECORD_HEADER, mapping pairs, INDEX_HEADER,
INDEX_ENTRY, FILE_NAME). Every file that is read passes here, so it is compiled with the decoders.
"""

from __future__ import annotations

import cython

from buildlab.errors import FormatError

HOLE = -1
"""In the place of a cluster's number: nothing is stored, and zeros are meant."""

_SECTOR = cython.declare(cython.Py_ssize_t, 512)
_HEADER_SIZE = cython.declare(cython.Py_ssize_t, 48)
_FIRST_ATTRIBUTE = cython.declare(cython.Py_ssize_t, 20)
_SMALLEST_ATTRIBUTE = cython.declare(cython.uint, 22)
_FLAGS_END = cython.declare(cython.uint, 36)
_WIDEST_NUMBER = cython.declare(cython.int, 8)
_OUTSIDE_SIZE = cython.declare(cython.Py_ssize_t, 64)
_NODE_SIZE = cython.declare(cython.Py_ssize_t, 16)
_ENTRY_SIZE = cython.declare(cython.uint, 16)
_NAMED_SIZE = cython.declare(cython.uint, 82)
_NUMBER_SIZE = cython.declare(cython.uint, 8)
_HAS_CHILD = cython.declare(cython.uint, 1)
_IS_LAST = cython.declare(cython.uint, 2)
_IS_FOLDER = cython.declare(cython.uint, 0x10000000)
_SHORT_NAME = cython.declare(cython.uint, 2)
_END = cython.declare(cython.uint, 0xFFFFFFFF)
_EMPTY = (1 << 64) - 1


@cython.cfunc
@cython.exceptval(check=False)
def _word(data: bytes, at: cython.Py_ssize_t) -> cython.uint:
    """The 16-bit number there, which lies inside of `data`."""
    return data[at] | data[at + 1] << 8


@cython.cfunc
@cython.exceptval(check=False)
def _double_word(data: bytes, at: cython.Py_ssize_t) -> cython.uint:
    """The 32-bit number there, which lies inside of `data`."""
    return _word(data, at) | _word(data, at + 2) << 16


@cython.cfunc
@cython.exceptval(check=False)
def _quad_word(data: bytes, at: cython.Py_ssize_t) -> cython.ulonglong:
    """The 64-bit number there, which lies inside of `data`."""
    high: cython.ulonglong = _double_word(data, at + 4)
    return high << 32 | _double_word(data, at)


@cython.locals(
    place=cython.Py_ssize_t,
    count=cython.Py_ssize_t,
    size=cython.Py_ssize_t,
    saved=cython.Py_ssize_t,
    start=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    sector=cython.Py_ssize_t,
)
def without_fixups(stored: bytes, signature: bytes = b"FILE") -> bytes:
    """A record with the last two bytes of each sector put back; FormatError where it does not begin with `signature`,
    is cut or was written in part only."""
    size = len(stored)
    if size < _HEADER_SIZE or not stored.startswith(signature):
        raise FormatError("ntfs", f"a record is cut or does not begin with {signature.decode()}")
    place, count = _word(stored, 4), _word(stored, 6)
    if place + 2 * count > size or (count - 1) * _SECTOR != size:
        raise FormatError("ntfs", "the fix-ups are not those of all sectors of their record")
    pieces: list[bytes] = []
    start, saved = 0, place + 2
    for _ in range(count - 1):
        end = start + _SECTOR - 2
        if stored[end] != stored[place] or stored[end + 1] != stored[place + 1]:
            raise FormatError("ntfs", "a record was written in part only", offset=end)
        pieces.append(stored[start:end])
        pieces.append(stored[saved : saved + 2])
        start += _SECTOR
        saved += 2
    return b"".join(pieces)


@cython.locals(
    offset=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    kind=cython.uint,
    size=cython.uint,
)
def attributes_of(record: bytes) -> dict[int, list[bytes]]:
    """The attributes in one record, by their types; FormatError where they pass its end or have none."""
    found: dict[int, list[bytes]] = {}
    end = len(record)
    if end < _HEADER_SIZE:
        raise FormatError("ntfs", "a file record is cut", offset=end)
    offset = _word(record, _FIRST_ATTRIBUTE)
    while offset + 8 <= end:
        kind = _double_word(record, offset)
        if kind == _END:
            return found
        size = _double_word(record, offset + 4)
        if size < _SMALLEST_ATTRIBUTE or size > end - offset:
            raise FormatError("ntfs", "an attribute passes the end of its file record", offset=offset)
        attribute = record[offset : offset + size]
        same = found.get(kind)
        if same is None:
            found[kind] = [attribute]
        else:
            same.append(attribute)
        offset += size
    raise FormatError("ntfs", "the attributes of a file record have no end", offset=offset)


@cython.locals(length=cython.uint, start=cython.uint, size=cython.Py_ssize_t)
def file_flags(attribute: bytes) -> int:
    """The flags of a file (``FILE_ATTRIBUTE_ENCRYPTED`` and the like) in its standard information, the content of which
    is in its record. FormatError where that is cut, or elsewhere."""
    size = len(attribute)
    if size < _SMALLEST_ATTRIBUTE or attribute[8]:
        raise FormatError("ntfs", "the flags of a file lie outside of its record")
    length, start = _double_word(attribute, 16), _word(attribute, 20)
    if length > size or start > size - length or length < _FLAGS_END:
        raise FormatError("ntfs", "the flags of a file are cut")
    return _double_word(attribute, start + _FLAGS_END - 4)


@cython.locals(
    place=cython.Py_ssize_t,
    size=cython.Py_ssize_t,
    middle=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    length_size=cython.int,
    delta_size=cython.int,
)
def runs_at(attribute: bytes, place: cython.Py_ssize_t) -> list[tuple[int, int]]:
    """The runs of clusters that the mapping pairs from `place` on tell, each the number of its first cluster (or
    `HOLE`) and how many; FormatError where they are damaged. A pair is how many, and how far from the run before."""
    runs: list[tuple[int, int]] = []
    cluster = 0
    size = len(attribute)
    while 0 <= place < size and attribute[place]:
        length_size, delta_size = attribute[place] & 15, attribute[place] >> 4
        middle = place + 1 + length_size
        end = middle + delta_size
        if not length_size or length_size > _WIDEST_NUMBER or delta_size > _WIDEST_NUMBER or end > size:
            raise FormatError("ntfs", "the runs of an attribute outside of its record are damaged")
        length = int.from_bytes(attribute[place + 1 : middle], "little")
        if delta_size:
            cluster += int.from_bytes(attribute[middle:end], "little", signed=True)
            if cluster < 0:
                raise FormatError("ntfs", "a run of an attribute begins before the volume")
        if length:
            runs.append((cluster if delta_size else HOLE, length))
        place = end
    return runs


def plain_stream(attribute: bytes) -> tuple[list[tuple[int, int]], int, int] | None:
    """Of an attribute without a name that lies outside of its record, whole, neither compressed nor encrypted: its runs
    of clusters, its size and how much of it was written, in bytes. None for any other, and for what is damaged."""
    if len(attribute) < _OUTSIDE_SIZE or not attribute[8] or attribute[9] or _word(attribute, 12):
        return None
    if _quad_word(attribute, 16) or _word(attribute, 34):
        return None
    runs = runs_at(attribute, _word(attribute, 32))
    held = 0
    for _, length in runs:
        held += length
    last = _quad_word(attribute, 24)
    if held != (0 if last == _EMPTY else last + 1):
        return None
    return runs, _quad_word(attribute, 48), _quad_word(attribute, 56)


@cython.locals(
    offset=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    stop=cython.Py_ssize_t,
    name_end=cython.Py_ssize_t,
    size=cython.Py_ssize_t,
    first=cython.uint,
    used=cython.uint,
    length=cython.uint,
    key_size=cython.uint,
    flags=cython.uint,
    characters=cython.uint,
)
def index_entries(data: bytes, node: cython.Py_ssize_t) -> list[tuple[str, int, bool] | int]:
    """What one node of a folder's index holds: names (the name, the reference of its file record, whether it is that of
    a folder), and before a name the number of the index record with those that come before it. Short names that only
    DOS sees are left out. FormatError where the node is damaged."""
    found: list[tuple[str, int, bool] | int] = []
    size = len(data)
    if node < 0 or node + _NODE_SIZE > size:
        raise FormatError("ntfs", "a node of a folder's index is cut", offset=node)
    first, used = _double_word(data, node), _double_word(data, node + 4)
    if first > size - node or used > size - node:  # compared before they are added, which may pass the host's numbers
        raise FormatError("ntfs", "the entries of a folder's index pass the end of their record", offset=node)
    offset, end = node + first, node + used
    while offset + _ENTRY_SIZE <= end:
        length, key_size, flags = _word(data, offset + 8), _word(data, offset + 10), _word(data, offset + 12)
        stop = offset + length
        if length < _ENTRY_SIZE or stop > end:
            break
        if flags & _HAS_CHILD:
            if length < _ENTRY_SIZE + _NUMBER_SIZE:
                break
            found.append(_quad_word(data, stop - _NUMBER_SIZE))
        if flags & _IS_LAST:
            return found
        if length < _NAMED_SIZE:
            break
        characters = data[offset + 80]
        name_end = offset + _NAMED_SIZE + 2 * characters
        if name_end > stop or _NAMED_SIZE - _ENTRY_SIZE + 2 * characters > key_size:
            break
        if data[offset + 81] != _SHORT_NAME:
            name = data[offset + _NAMED_SIZE : name_end].decode("utf-16-le", "replace")
            is_folder = _double_word(data, offset + 72) & _IS_FOLDER != 0
            found.append((name, _quad_word(data, offset), is_folder))
        offset = stop
    raise FormatError("ntfs", "an entry of a folder's index is damaged", offset=offset)
