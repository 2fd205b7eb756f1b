"""The bulk read of names: all subkeys of one key with the names of their values, and no data.

The hive of the component store says most of what it says by names alone, in a hundred thousand keys and more. Reading
those takes a third of the time that values with their data would.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from buildlab.errors import FormatError
from buildlab.readers.hive_base_block import SIZE
from buildlab.readers.hive_cells import (
    COMPRESSED_KEY_NAME,
    COMPRESSED_VALUE_NAME,
    NK_HEADER,
    NONE,
    PREDEFINED_HANDLE,
    VK_HEADER,
    HiveCells,
)

# Both begin with the size of the cell, four bytes before the record.
_KEY = struct.Struct("<i2sHQ24xII28xH2x")
_VALUE = struct.Struct("<i2sH12xH2x")


class NamedKey(NamedTuple):
    """One subkey: its name, the offset of its record in the file, the FILETIME of its last change, and the names of
    its values in stored order. A tuple, because there may be a hundred thousand."""

    name: str
    offset: int
    written: int
    value_names: tuple[str, ...]


def read_names(
    cells: HiveCells, key_cells: Iterable[int], faults: list[FormatError], *, with_values: bool = True
) -> Iterator[NamedKey]:
    """The keys in `key_cells`; what is damaged goes to `faults`, and the rest is still given. Without values none of
    their names is looked at."""
    data, end = cells.data, cells.end
    key_at, value_at = _KEY.unpack_from, _VALUE.unpack_from
    compressed: dict[bytes, str] = {}
    most_faults = cells.limits.hive_faults
    entries_left = end // 4  # in a sound hive no value belongs to two keys
    for key_cell in key_cells:
        start = SIZE + key_cell
        if start + 4 + NK_HEADER > end:
            faults.append(FormatError("hive", f"a cell at {key_cell:#x} lies outside the hive", offset=min(start, end)))
            continue
        size, signature, flags, written, count, list_cell, name_size = key_at(data, start)
        size = abs(size)
        if signature != b"nk" or start + size > end or size < 4 + NK_HEADER + name_size:
            faults.append(FormatError("hive", "no sound record of a key", offset=start + 4))
            continue
        offset = start + 4
        name_at = offset + NK_HEADER
        raw = bytes(data[name_at : name_at + name_size])
        name = raw.decode("latin-1") if flags & COMPRESSED_KEY_NAME else raw.decode("utf-16-le", "replace")
        names: list[str] = []
        value_cells: tuple[int, ...] = ()
        if with_values and count and count != NONE and not flags & PREDEFINED_HANDLE:
            if count > entries_left:
                faults.append(FormatError("hive", "its keys list more values than it can hold", offset=offset))
            else:
                entries_left -= count
                try:
                    value_cells = cells.value_cells(list_cell, count)
                except FormatError as error:
                    faults.append(error)
        for value_cell in value_cells:
            start = SIZE + value_cell
            name_at = start + 4 + VK_HEADER
            if name_at <= end:
                size, signature, name_size, value_flags = value_at(data, start)
                name_end = name_at + name_size
                size = abs(size)
                if signature == b"vk" and start + size <= end and name_end <= start + size:
                    raw = bytes(data[name_at:name_end])
                    known = (
                        compressed.get(raw)
                        if value_flags & COMPRESSED_VALUE_NAME
                        else raw.decode("utf-16-le", "replace")
                    )
                    if known is None:
                        known = compressed[raw] = raw.decode("latin-1")
                    names.append(known)
                    continue
            faults.append(FormatError("hive", "no sound record of a value", offset=min(start + 4, end)))
            if len(faults) >= most_faults:
                break
        yield NamedKey(name, offset, written, tuple(names))
        if len(faults) >= most_faults:
            return
