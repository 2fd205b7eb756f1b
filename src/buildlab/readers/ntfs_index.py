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

from buildlab.errors import FormatError
from buildlab.readers.codecs.ntfs_records import index_entries, without_fixups

_ROOT = struct.Struct("<I4xI4x")
_FILE_NAMES = 0x30
_NODE_SIZE = 16
_RECORD_NODE = 24
_VCN = struct.Struct("<Q")
_LARGEST_RECORD = 64 << 10
_DEEPEST = 32
"""Levels; two or three are usual, and each is held while those below are read."""


IndexedName = tuple[str, int, bool]
"""One name of a folder, the reference of its file record (the number, and the sequence number above 48 bits), and
whether that is the record of a folder."""
ReadNode = Callable[[int, int], bytes]
"""Gives the index record at a virtual cluster number, of so many bytes, as it is stored."""


def read_index(root: bytes, read_node: ReadNode) -> Iterator[IndexedName]:
    """The names of a folder in its own order; short names that only DOS sees are left out.

    `root` is the content of the attribute ``$INDEX_ROOT``. FormatError where the index is damaged.
    """
    if len(root) < _ROOT.size + _NODE_SIZE:
        raise FormatError("ntfs", "the root of a folder's index is cut")
    kind, record_size = _ROOT.unpack_from(root)
    if kind != _FILE_NAMES or not 0 < record_size <= _LARGEST_RECORD:
        raise FormatError("ntfs", f"an index of attribute {kind:#x} with records of {record_size} bytes")
    seen: set[int] = set()
    nodes = [iter(index_entries(root, _ROOT.size))]
    while nodes:
        for step in nodes[-1]:
            if isinstance(step, tuple):
                yield step
                continue
            if step in seen:
                raise FormatError("ntfs", f"a folder's index names its record {step} twice")
            if len(nodes) >= _DEEPEST:
                raise FormatError("ntfs", f"a folder's index of more than {_DEEPEST} levels")
            seen.add(step)
            nodes.append(iter(index_entries(_index_record(read_node(step, record_size), step), _RECORD_NODE)))
            break
        else:
            nodes.pop()


def _index_record(stored: bytes, number: int) -> bytes:
    record: bytes = without_fixups(stored, b"INDX")
    (stated,) = _VCN.unpack_from(record, 16)
    if stated != number:
        raise FormatError("ntfs", f"the index record {number} says that it is {stated}")
    return record
