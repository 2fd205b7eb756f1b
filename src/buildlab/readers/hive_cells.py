"""Cells, lists and value data of a registry hive, with every offset and count checked against the bytes that exist.

Layout as in the public descriptions of the regf format: a cell is a signed size and its content; ``lf``, ``lh`` and
``li`` list subkeys, ``ri`` lists such lists (one level deep, so that no loop can be built of them); ``db`` holds data
of more than 16,344 bytes.
"""

import struct
from collections.abc import Iterator

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.hive_base_block import SIZE

NONE = 0xFFFFFFFF
NK_HEADER = 76
VK_HEADER = 20
COMPRESSED_KEY_NAME = 0x20
PREDEFINED_HANDLE = 0x40
COMPRESSED_VALUE_NAME = 0x01
TOMBSTONE_VALUE = 0x02
TYPE_MASK = 0x0FFF  # the upper bits are those of device property types
_BIG_DATA_SEGMENT = 16344
_BIG_DATA_MINOR = 4
_INLINE = 0x80000000

_CELL_SIZE = struct.Struct("<i")
_VALUE_CELL = struct.Struct("<i2sHIIIH")
_LIST_HEADER = struct.Struct("<2sH")
_LIST_STRIDES = {b"lf": 8, b"lh": 8, b"li": 4}


class HiveCells:
    """Bounded access to the cells of one hive. Offsets given and returned are those of a cell's content in the file."""

    def __init__(self, data: bytes | bytearray, bins_size: int, minor: int, limits: Limits) -> None:
        self.data = data
        self.end = min(len(data), SIZE + bins_size)
        self.minor = minor
        self.limits = limits
        self.damage: dict[int | None, FormatError] = {}
        """Faults met while looking for something else, by offset."""

    def content(self, cell: int, need: int) -> tuple[int, int]:
        """(offset, length) of the content of the cell at `cell` (relative to the bins), at least `need` bytes long."""
        offset = SIZE + cell
        if cell == NONE or offset + 4 > self.end:
            raise FormatError("hive", f"a cell at {cell:#x} lies outside the hive", offset=min(offset, self.end))
        length = abs(_CELL_SIZE.unpack_from(self.data, offset)[0]) - 4
        if length < need or offset + 4 + length > self.end:
            raise FormatError("hive", f"a cell of {length + 4} bytes does not fit", offset=offset)
        return offset + 4, length

    def record(self, cell: int, signature: bytes, header: int) -> tuple[int, int]:
        """(offset, length) of a cell that holds a record with this two-byte `signature`."""
        offset, length = self.content(cell, header)
        found = bytes(self.data[offset : offset + 2])
        if found != signature:
            raise FormatError("hive", f"{found!r} where {signature!r} is due", offset=offset)
        return offset, length

    def subkey_cells(self, list_cell: int, count: int, faults: list[FormatError]) -> Iterator[int]:
        """Cells of the keys under one list; what is damaged is put into `faults`, and the rest still given."""
        seen = 0
        for leaf in self._leaf_lists(list_cell, faults):
            try:
                offset, length = self.content(leaf, 4)
            except FormatError as error:
                faults.append(error)
                continue
            signature, entries = _LIST_HEADER.unpack_from(self.data, offset)
            stride = _LIST_STRIDES.get(signature)
            if stride is None:
                faults.append(FormatError("hive", f"{signature!r} is no list of subkeys", offset=offset))
                continue
            fits = min(entries, (length - 4) // stride)
            if fits < entries:
                faults.append(FormatError("hive", f"a list of {entries} subkeys has room for {fits}", offset=offset))
            words = struct.unpack_from(f"<{fits * stride // 4}I", self.data, offset + 4)
            for cell in words[:: stride // 4]:
                if seen == self.limits.hive_list_entries:
                    faults.append(FormatError("hive", f"a key lists more than {seen} subkeys", offset=offset))
                    return
                if len(faults) >= self.limits.hive_faults:
                    return
                seen += 1
                yield cell
        if seen != count and not faults:
            faults.append(
                FormatError("hive", f"a key states {count} subkeys and lists {seen}", offset=SIZE + list_cell)
            )

    def _leaf_lists(self, list_cell: int, faults: list[FormatError]) -> Iterator[int]:
        try:
            offset, length = self.content(list_cell, 4)
        except FormatError as error:
            faults.append(error)
            return
        signature, entries = _LIST_HEADER.unpack_from(self.data, offset)
        if signature != b"ri":
            yield list_cell
            return
        fits = min(entries, (length - 4) // 4)
        if fits < entries:
            faults.append(FormatError("hive", f"a list of {entries} lists has room for {fits}", offset=offset))
        leaves = struct.unpack_from(f"<{fits}I", self.data, offset + 4)
        if len(set(leaves)) != len(leaves):
            faults.append(FormatError("hive", "a list of lists names one list twice", offset=offset))
        yield from dict.fromkeys(leaves)

    def value_record(self, cell: int) -> tuple[int, int, int, int, int, int, int]:
        """The ``vk`` record in a cell: (offset, length, bytes of name, size of data, place of data, type, flags)."""
        offset = SIZE + cell + 4
        if offset + VK_HEADER > self.end:
            raise FormatError("hive", f"a cell at {cell:#x} lies outside the hive", offset=min(offset, self.end))
        cell_size, signature, name_size, size, place, type_, flags = _VALUE_CELL.unpack_from(self.data, offset - 4)
        length = abs(cell_size) - 4
        if signature != b"vk":
            raise FormatError("hive", f"{signature!r} where b'vk' is due", offset=offset)
        if length < VK_HEADER or offset + length > self.end:
            raise FormatError("hive", f"a cell of {length + 4} bytes does not fit", offset=offset - 4)
        return offset, length, name_size, size, place, type_, flags

    def value_cells(self, list_cell: int, count: int) -> tuple[int, ...]:
        """Cells of the values of one key."""
        if count == 0:
            return ()
        if count > self.limits.hive_list_entries:
            raise FormatError("hive", f"a key states {count} values")
        offset, _ = self.content(list_cell, 4 * count)
        return struct.unpack_from(f"<{count}I", self.data, offset)

    def value_data(self, record: int, size: int, place: int) -> bytes:
        """The data of the value whose ``vk`` record is at file offset `record` and states this `size` and `place`."""
        if size & _INLINE:
            size &= ~_INLINE
            if size > 4:
                raise FormatError("hive", f"{size} bytes of data inside a field of 4", offset=record)
            return bytes(self.data[record + 8 : record + 8 + size])
        if size == 0:
            return b""
        if size > self.limits.hive_value_bytes:
            raise FormatError("hive", f"a value of {size} bytes", offset=record)
        if size > _BIG_DATA_SEGMENT and self.minor >= _BIG_DATA_MINOR:
            offset, _ = self.content(place, 8)
            if self.data[offset : offset + 2] == b"db":
                return self._big_data(offset, size)
        offset, _ = self.content(place, size)
        return bytes(self.data[offset : offset + size])

    def _big_data(self, record: int, size: int) -> bytes:
        _, segments, list_cell = struct.unpack_from("<2sHI", self.data, record)
        if segments != -(-size // _BIG_DATA_SEGMENT):
            raise FormatError("hive", f"{size} bytes of data in {segments} segments", offset=record)
        offset, _ = self.content(list_cell, 4 * segments)
        parts: list[bytes] = []
        left = size
        for cell in struct.unpack_from(f"<{segments}I", self.data, offset):
            take = min(left, _BIG_DATA_SEGMENT)
            start, _ = self.content(cell, take)
            parts.append(bytes(self.data[start : start + take]))
            left -= take
        return b"".join(parts)

    def name(self, offset: int, length: int, room: int, compressed: bool) -> str:
        """A name of `length` bytes at file `offset`, of which the cell has `room`: Latin-1 when compressed."""
        if length > room:
            raise FormatError("hive", f"a name of {length} bytes in a cell that has {room}", offset=offset)
        raw = bytes(self.data[offset : offset + length])
        return raw.decode("latin-1") if compressed else raw.decode("utf-16-le", "replace")
