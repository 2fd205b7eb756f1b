"""Version and other resources of PE files, read without reading the file whole.

pefile parses; it is given a view that fetches only the parts it asks for (headers and the resource section).
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import SupportsIndex

import pefile

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.windows.version import NtVersion

_FIXED_SIGNATURE = 0xFEEF04BD
_BLOCK = 4096
_PARSER_FAILURES = (
    pefile.PEFormatError,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)
"""What pefile lets out on damaged files, beside its own error."""


@dataclass(frozen=True, slots=True)
class StringTable:
    """One language block of StringFileInfo. `language` is a LANGID, `code_page` a Windows code page."""

    language: int
    code_page: int
    strings: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeFile:
    """What the headers and the version resource of a PE file say.

    `file_version` and `product_version` are the numbers of VS_FIXEDFILEINFO, `fixed_offset` its place in the file;
    all three are None where the file has no version resource.
    """

    machine: int
    link_time: int
    file_version: NtVersion | None = None
    product_version: NtVersion | None = None
    fixed_offset: int | None = None
    strings: tuple[StringTable, ...] = field(default=())

    def string(self, name: str) -> str | None:
        """The first string called `name` over all language blocks."""
        return next((table.strings[name] for table in self.strings if name in table.strings), None)


class _Window:
    """The file as pefile sees it: sliceable, with a length, fetched in blocks."""

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self._source = source
        self._left = limits.pe_bytes_read
        self._blocks: dict[int, bytes] = {}

    def __len__(self) -> int:
        return self._source.size

    def __getitem__(self, index: slice | SupportsIndex) -> bytes | int:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise FormatError("pe", "unexpected access pattern")
            return self._read(start, max(stop - start, 0))
        return self._read(index.__index__(), 1)[0]

    def find(self, needle: bytes, start: int = 0, end: int | None = None) -> int:
        """As `bytes.find`, over at most the first 64 KiB from `start` (pefile looks for the Rich header)."""
        stop = min(len(self), start + 65536, len(self) if end is None else end)
        found = self._read(start, max(stop - start, 0)).find(needle)
        return found if found < 0 else start + found

    def _read(self, offset: int, length: int) -> bytes:
        if length == 0:
            return b""
        first, last = offset // _BLOCK, (offset + length - 1) // _BLOCK
        missing = [block for block in range(first, last + 1) if block not in self._blocks]
        if missing:
            start, count = missing[0], missing[-1] - missing[0] + 1
            self._left -= count * _BLOCK
            if self._left < 0:
                raise FormatError("pe", "its resources spread over too much of the file", offset=offset)
            data = self._source.read_at(start * _BLOCK, count * _BLOCK)
            for index in range(count):
                self._blocks[start + index] = data[index * _BLOCK : (index + 1) * _BLOCK]
        joined = b"".join(self._blocks[block] for block in range(first, last + 1))
        return joined[offset - first * _BLOCK : offset - first * _BLOCK + length]


def read_pe(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> PeFile:
    """Headers and version resource of a PE file; FormatError when it is none, or its resources are damaged."""
    with _parsed(source, limits) as pe:
        return _describe(pe)


def read_resource(source: ByteSource, kind: int, name: int, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The content of the resource with this type and name, in the first of its languages.

    FormatError when the file is no PE file, has no such resource, or states one that is not in it.
    """
    with _parsed(source, limits) as pe:
        level = getattr(pe, "DIRECTORY_ENTRY_RESOURCE", None)
        for wanted in (kind, name, None):
            entries = () if level is None else level.entries
            found = next((entry for entry in entries if wanted is None or entry.id == wanted), None)
            if found is None:
                raise FormatError("pe", f"has no resource {name} of the type {kind}")
            level = getattr(found, "directory", None)
        place = getattr(found, "data", None)
        if place is None:
            raise FormatError("pe", f"resource {name} of the type {kind} has no content")
        offset, size = pe.get_offset_from_rva(place.struct.OffsetToData), place.struct.Size
    if size > limits.pe_bytes_read or offset > source.size - size:
        raise FormatError("pe", f"resource {name} of the type {kind} states {size} bytes", offset=offset)
    return source.read_at(offset, size)


@contextmanager
def _parsed(source: ByteSource, limits: Limits) -> Iterator[pefile.PE]:
    """The headers and resources; what the parser lets out on damaged files, inside too, becomes FormatError."""
    if source.read_at(0, 2) != b"MZ":
        raise FormatError("pe", "does not begin with 'MZ'", offset=0)
    try:
        pe = pefile.PE(data=_Window(source, limits), fast_load=True)
        pe.parse_data_directories(directories=[pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]])
        yield pe
    except FormatError:
        raise
    except _PARSER_FAILURES as error:
        raise FormatError("pe", str(error).strip("'") or type(error).__name__) from error


def _describe(pe: pefile.PE) -> PeFile:
    fixed = next(
        (item for item in getattr(pe, "VS_FIXEDFILEINFO", ()) if item.Signature == _FIXED_SIGNATURE),
        None,
    )
    tables = tuple(
        _string_table(table)
        for resource in getattr(pe, "FileInfo", ())
        for info in resource
        if info.name.startswith("StringFileInfo")
        for table in getattr(info, "StringTable", ())
    )
    machine, link_time = pe.FILE_HEADER.Machine, pe.FILE_HEADER.TimeDateStamp
    if fixed is None:
        return PeFile(machine=machine, link_time=link_time, strings=tables)
    return PeFile(
        machine=machine,
        link_time=link_time,
        file_version=NtVersion.from_packed(fixed.FileVersionMS, fixed.FileVersionLS),
        product_version=NtVersion.from_packed(fixed.ProductVersionMS, fixed.ProductVersionLS),
        fixed_offset=fixed.get_file_offset(),
        strings=tables,
    )


def _string_table(table: pefile.Structure) -> StringTable:
    """The key of a block is eight hexadecimal digits: language, then code page (VERSIONINFO resource)."""
    key = table.LangID.decode("ascii", "replace")
    try:
        language, code_page = int(key[:4], 16), int(key[4:8], 16)
    except ValueError:
        language = code_page = 0
    strings = {
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace").rstrip("\0")
        for name, value in table.entries.items()
    }
    return StringTable(language, code_page, strings)
