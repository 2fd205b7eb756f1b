"""The structure of a PE file as the transforms of deltas need it, and the file while they change it."""

import struct
from array import array
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.codecs.delta_x86 import CodeTransform
from buildlab.readers.delta_rift import Rift

MACHINE_I386 = 0x14C
MACHINE_AMD64 = 0x8664
_MOST_SECTIONS = 256
_EXECUTABLE = 0x20000000
_PE32_PLUS = 0x20B
_PE32 = 0x10B


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An entry of the section table, which lies at `header` in the file."""

    header: int
    name: bytes
    address: int
    virtual_size: int
    raw_offset: int
    raw_size: int
    characteristics: int

    @property
    def is_executable(self) -> bool:
        return bool(self.characteristics & _EXECUTABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeLayout:
    """The headers of the old file. `header` is where "PE" stands, `directories` are (address, size), 16 at most."""

    header: int
    machine: int
    is_plus: bool
    image_base: int
    image_size: int
    directories: tuple[tuple[int, int], ...]
    sections: tuple[Section, ...]

    @property
    def lowest(self) -> int:
        """The lowest address of a section."""
        return min((section.address for section in self.sections), default=0)

    def directory(self, number: int) -> tuple[int, int]:
        """Address and size of a data directory; (0, 0) where there is none."""
        return self.directories[number] if number < len(self.directories) else (0, 0)


def read_layout(data: bytes | bytearray) -> PeLayout:
    """The headers of a PE file; FormatError where it is none."""
    try:
        if data[:2] != b"MZ":
            raise FormatError("pe", "the base of a delta is no PE file", offset=0)
        (header,) = struct.unpack_from("<I", data, 0x3C)
        signature, machine, count, _time, optional_size = struct.unpack_from("<4sHHI8xH", data, header)
        optional = header + 24
        (magic,) = struct.unpack_from("<H", data, optional)
        if signature != b"PE\0\0" or magic not in (_PE32, _PE32_PLUS):
            raise FormatError("pe", "the base of a delta is no PE file", offset=header)
        if count > _MOST_SECTIONS:
            raise FormatError("pe", f"{count} sections", offset=header + 6)
        is_plus = magic == _PE32_PLUS
        (image_base,) = struct.unpack_from("<Q" if is_plus else "<I", data, optional + (24 if is_plus else 28))
        (image_size,) = struct.unpack_from("<I", data, optional + 56)
        at = optional + (108 if is_plus else 92)
        (number,) = struct.unpack_from("<I", data, at)
        directories = tuple(struct.unpack_from("<II", data, at + 4 + 8 * index) for index in range(min(number, 16)))
        sections = tuple(_section(data, optional + optional_size + 40 * index) for index in range(count))
    except struct.error as error:
        raise FormatError("pe", "the headers of the base of a delta are cut", offset=len(data)) from error
    return PeLayout(
        header=header,
        machine=machine,
        is_plus=is_plus,
        image_base=image_base,
        image_size=image_size,
        directories=directories,
        sections=sections,
    )


def _section(data: bytes | bytearray, at: int) -> Section:
    name, virtual_size, address, raw_size, raw_offset, characteristics = struct.unpack_from("<8sIIII12xI", data, at)
    return Section(
        header=at,
        name=name,
        address=address,
        virtual_size=virtual_size,
        raw_offset=raw_offset,
        raw_size=raw_size,
        characteristics=characteristics,
    )


class Image:
    """A copy of the old file under change. `addresses` is the rift from its addresses to those of the new file.

    What lies outside of the file reads as None and is not written. `marks` has a 1 for each byte that is no code.
    """

    def __init__(self, data: bytes, layout: PeLayout, addresses: Rift, target_base: int, limits: Limits) -> None:
        self.data = bytearray(data)
        self.marks = bytearray(len(data))
        self.layout = layout
        self.target_base = target_base
        self.has_addresses = len(addresses) > 0
        self._entries_left = limits.delta_table_entries
        sections = layout.sections
        self.code = CodeTransform(
            self.data,
            self.marks,
            array("q", [section.address for section in sections]),
            array("q", [section.address + max(section.virtual_size, section.raw_size) for section in sections]),
            array("q", [section.raw_offset if section.raw_size else -1 for section in sections]),
            array("q", addresses.sources),
            array("q", addresses.targets),
            layout.image_size,
        )

    def count_entry(self) -> None:
        """Say that an entry of a table is gone through, for tables may overlap; LimitExceededError at too many."""
        self._entries_left -= 1
        if self._entries_left < 0:
            raise LimitExceededError("the base of a delta has too many imports, exports, relocations or functions")

    def offset(self, address: int) -> int | None:
        """Where in the file the byte at an address stands."""
        found: int = self.code.offset(address)
        return found if found >= 0 else None

    def moved(self, address: int) -> int:
        """The address in the new file."""
        found: int = self.code.moved(address)
        return found

    def read(self, at: int, size: int) -> int | None:
        """An unsigned integer of `size` bytes."""
        return int.from_bytes(self.data[at : at + size], "little") if 0 <= at <= len(self.data) - size else None

    def write(self, at: int, size: int, value: int) -> None:
        """Write an integer of `size` bytes, cut to them."""
        if 0 <= at <= len(self.data) - size:
            self.data[at : at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")

    def mark(self, at: int, size: int) -> None:
        """Say of some bytes that they are no code."""
        if 0 <= at <= len(self.data) - size:
            self.marks[at : at + size] = b"\1" * size

    def move(self, at: int, *, marked: bool = True) -> None:
        """Move the 32-bit address that stands at `at`, unless it is 0."""
        value = self.read(at, 4)
        if value:
            self.write(at, 4, self.moved(value))
            if marked:
                self.mark(at, 4)
