"""The index of a folder of NTFS (``$I30``): its names, and the file records they stand for.

It has the names in order and says which are folders, so that no record behind them has to be read: of the ten
thousands of folders in WinSxS most are looked at by name alone. The sizes in it are copies that Windows brings up to
date for one of the names of a file only; they are not read.

A B-tree: the root lies in the folder's file record, the other nodes ("index records") in its index allocation, each
with the names between two of its parent. Layout as in the public descriptions of NTFS (INDEX_ROOT, INDEX_HEADER,
INDEX_ENTRY, FILE_NAME).
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from buildlab.errors import FormatError
from buildlab.readers.mft_record import without_fixups

_ROOT = struct.Struct("<I4xI4x")
_FILE_NAMES = 0x30
_NODE = struct.Struct("<II8x")
_RECORD_NODE = 24
_VCN = struct.Struct("<Q")
_ENTRY = struct.Struct("<QHHH2x")
_NAMED = struct.Struct("<QHHH58xI4xBB")
_HAS_CHILD, _IS_LAST = 1, 2
_IS_FOLDER = 0x10000000
_SHORT_NAME = 2
_LARGEST_RECORD = 64 << 10
_DEEPEST = 32
"""Levels; two or three are usual, and each is held while those below are read."""


class IndexedName(NamedTuple):
    """One name of a folder. `reference` is that of its file record: the number, and the sequence number above 48 bits.
    A tuple, because there are ten thousands."""

    name: str
    reference: int
    is_folder: bool


ReadNode = Callable[[int, int], bytes]
"""Gives the index record at a virtual cluster number, of so many bytes, as it is stored."""


def read_index(root: bytes, read_node: ReadNode) -> Iterator[IndexedName]:
    """The names of a folder in its own order; short names that only DOS sees are left out.

    `root` is the content of the attribute ``$INDEX_ROOT``. FormatError where the index is damaged.
    """
    if len(root) < _ROOT.size + _NODE.size:
        raise FormatError("ntfs", "the root of a folder's index is cut")
    kind, record_size = _ROOT.unpack_from(root)
    if kind != _FILE_NAMES or not 0 < record_size <= _LARGEST_RECORD:
        raise FormatError("ntfs", f"an index of attribute {kind:#x} with records of {record_size} bytes")
    seen: set[int] = set()
    nodes = [_entries(root, _ROOT.size)]
    while nodes:
        step = next(nodes[-1], None)
        if step is None:
            nodes.pop()
        elif isinstance(step, IndexedName):
            yield step
        elif step in seen:
            raise FormatError("ntfs", f"a folder's index names its record {step} twice")
        elif len(nodes) >= _DEEPEST:
            raise FormatError("ntfs", f"a folder's index of more than {_DEEPEST} levels")
        else:
            seen.add(step)
            nodes.append(_entries(_index_record(read_node(step, record_size), step), _RECORD_NODE))


def _index_record(stored: bytes, number: int) -> bytes:
    record = without_fixups(stored, b"INDX")
    (stated,) = _VCN.unpack_from(record, 16)
    if stated != number:
        raise FormatError("ntfs", f"the index record {number} says that it is {stated}")
    return record


def _entries(data: bytes, node: int) -> Iterator[IndexedName | int]:
    """The names of one node, and before each the number of the index record with those that come before it."""
    first, used = _NODE.unpack_from(data, node)
    offset, end = node + first, node + used
    if end > len(data):
        raise FormatError("ntfs", "the entries of a folder's index pass the end of their record", offset=node)
    while offset + _ENTRY.size <= end:
        reference, length, key_size, entry_flags = _ENTRY.unpack_from(data, offset)
        stop = offset + length
        if length < _ENTRY.size or stop > end:
            break
        if entry_flags & _HAS_CHILD:
            if length < _ENTRY.size + _VCN.size:
                break
            yield int(_VCN.unpack_from(data, stop - _VCN.size)[0])
        if entry_flags & _IS_LAST:
            return
        if length < _NAMED.size:
            break
        _, _, _, _, file_flags, characters, namespace = _NAMED.unpack_from(data, offset)
        name_end = offset + _NAMED.size + 2 * characters
        if name_end > stop or _NAMED.size - _ENTRY.size + 2 * characters > key_size:
            break
        if namespace != _SHORT_NAME:
            name = data[offset + _NAMED.size : name_end].decode("utf-16-le", "replace")
            yield IndexedName(name, reference, bool(file_flags & _IS_FOLDER))
        offset = stop
    raise FormatError("ntfs", "an entry of a folder's index is damaged", offset=offset)
