"""Where a program that unpacks itself has its cabinet: after the PE/COFF specification and files of three makers.

SFXCAB, the extractor of updates for Windows 2000 to Server 2003, has it behind the program or in a section
``_cabinet``; IExpress (WEXTRACT) in the resource RT_RCDATA / ``CABINET``. Nothing else of the program is searched.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.c_cab import MAGIC, VERSION
from buildlab.readers.cab_header import read_cab_header

Carrier = Literal["section", "resource", "overlay"]

_PE_OFFSET = 0x3C
_FILE_HEADER = struct.Struct("<4xHHIIIHH")
_DIRECTORIES = {0x10B: 96, 0x20B: 112}
_RESOURCES, _CERTIFICATES = 2, 4
_SECTION = struct.Struct("<8sIIII16x")
_MOST_SECTIONS = 96
_SECTION_NAME = b"_cabinet"
_RESOURCE_DIRECTORY = struct.Struct("<12xHH")
_RESOURCE_ENTRY = struct.Struct("<II")
_SUBDIRECTORY = 0x80000000
_MOST_ENTRIES = 4096
_RT_RCDATA = 10
_RESOURCE_NAME = "CABINET"


@dataclass(frozen=True, slots=True)
class EmbeddedCabinet:
    """A cabinet in a program: where in the file it begins, where the part that it lies in ends, and what that part is.

    `machine` is the number in the program's own header. It tells nothing of what is inside: packages for IA-64 have
    extractors for x86 too.
    """

    offset: int
    end: int
    carrier: Carrier
    machine: int


@dataclass(frozen=True, slots=True)
class _Section:
    name: bytes
    size: int
    address: int
    stored: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Program:
    machine: int
    sections: tuple[_Section, ...]
    headers_end: int
    resources: int
    certificates: int


def find_embedded_cabinet(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> EmbeddedCabinet | None:
    """The cabinet of a self-extractor, None for a program without one.

    FormatError for what is no PE file, TruncatedError for one that is cut inside its headers. Reads the headers, the
    resources' directories and the start of each part that may hold the cabinet.
    """
    program = _read_program(source)
    for carrier, start, end in _parts(source, program):
        offset = _cabinet_at(source, start, min(end, source.size), limits)
        if offset is not None:
            return EmbeddedCabinet(offset, min(end, source.size), carrier, program.machine)
    return None


def _read_program(source: ByteSource) -> _Program:
    head = source.read_at(0, _PE_OFFSET + 4)
    if head[:2] != b"MZ" or len(head) < _PE_OFFSET + 4:
        raise FormatError("pe", "does not begin with a DOS header", offset=0)
    (start,) = struct.unpack_from("<I", head, _PE_OFFSET)
    header = _exactly(source, start, _FILE_HEADER.size)
    if header[:4] != b"PE\0\0":
        raise FormatError("pe", "has no PE header", offset=start)
    machine, count, _, _, _, optional_size, _ = _FILE_HEADER.unpack(header)
    if count > _MOST_SECTIONS:
        raise FormatError("pe", f"states {count} sections", offset=start + 6)
    optional_at = start + _FILE_HEADER.size
    optional = _exactly(source, optional_at, optional_size)
    resources, _ = _directory(optional, _RESOURCES)
    certificates, _ = _directory(optional, _CERTIFICATES)
    table_at = optional_at + optional_size
    table = _exactly(source, table_at, count * _SECTION.size)
    return _Program(
        machine=machine,
        sections=tuple(_Section(*fields) for fields in _SECTION.iter_unpack(table)),
        headers_end=table_at + len(table),
        resources=resources,
        certificates=certificates,
    )


def _exactly(source: ByteSource, offset: int, length: int) -> bytes:
    data = source.read_at(offset, length)
    if len(data) < length:
        raise TruncatedError("PE file cut inside its headers", offset=offset + len(data))
    return data


def _directory(optional: bytes, number: int) -> tuple[int, int]:
    """Address and size in one entry of the optional header's directories; zeros where it is not there."""
    first = _DIRECTORIES.get(int.from_bytes(optional[:2], "little"))
    if first is None:
        raise FormatError("pe", "an optional header of an unknown kind")
    if int.from_bytes(optional[first - 4 : first], "little") <= number or len(optional) < first + 8 * number + 8:
        return 0, 0
    address, size = struct.unpack_from("<II", optional, first + 8 * number)
    return address, size


def _parts(source: ByteSource, program: _Program) -> Iterator[tuple[Carrier, int, int]]:
    """The parts of the file that may hold the cabinet, as offsets of start and end."""
    for section in program.sections:
        if section.name == _SECTION_NAME:
            yield "section", section.offset, section.offset + section.stored
    resource = _resource(source, program)
    if resource is not None:
        yield "resource", resource[0], resource[0] + resource[1]
    start = max((section.offset + section.stored for section in program.sections if section.stored), default=0)
    start = max(start, program.headers_end)
    # The directory of certificates holds an offset of the file and no address.
    yield "overlay", start, program.certificates if program.certificates > start else source.size


def _cabinet_at(source: ByteSource, start: int, end: int, limits: Limits) -> int | None:
    """Where the first cabinet in a part begins, near the start of it; its fields have to be possible."""
    window = source.read_at(start, max(0, min(end - start, limits.self_extractor_search)))
    at = window.find(MAGIC)
    while at >= 0:
        try:
            if read_cab_header(source, start + at).version == VERSION:
                return start + at
        except BuildlabError:
            pass  # eight bytes of the program that look like a cabinet's signature
        at = window.find(MAGIC, at + 1)
    return None


def _resource(source: ByteSource, program: _Program) -> tuple[int, int] | None:
    """Offset and size of RT_RCDATA / CABINET in its first language."""
    root = _offset_of(program, program.resources) if program.resources else None
    if root is None:
        return None
    types = _entries(source, root, 0)
    names = next((at for key, at in types if key == _RT_RCDATA and at & _SUBDIRECTORY), None)
    if names is None:
        return None
    for key, at in _entries(source, root, names & ~_SUBDIRECTORY):
        if not (key & _SUBDIRECTORY and at & _SUBDIRECTORY) or not _is_cabinet(source, root + (key & ~_SUBDIRECTORY)):
            continue
        for _, leaf in _entries(source, root, at & ~_SUBDIRECTORY)[:1]:
            data = b"" if leaf & _SUBDIRECTORY else source.read_at(root + leaf, 8)
            if len(data) == 8:
                address, size = struct.unpack("<II", data)
                offset = _offset_of(program, address)
                return None if offset is None else (offset, size)
    return None


def _entries(source: ByteSource, root: int, at: int) -> list[tuple[int, int]]:
    """Name or number, and offset, of the entries in one directory of resources; as many as there are bytes for."""
    head = source.read_at(root + at, _RESOURCE_DIRECTORY.size)
    if len(head) < _RESOURCE_DIRECTORY.size:
        return []
    count = min(sum(_RESOURCE_DIRECTORY.unpack(head)), _MOST_ENTRIES)
    table = source.read_at(root + at + _RESOURCE_DIRECTORY.size, count * _RESOURCE_ENTRY.size)
    return list(_RESOURCE_ENTRY.iter_unpack(table[: len(table) // _RESOURCE_ENTRY.size * _RESOURCE_ENTRY.size]))


def _is_cabinet(source: ByteSource, at: int) -> bool:
    """Whether a resource's name, a count of UTF-16 units and these, is the one that IExpress gives."""
    expected = struct.pack("<H", len(_RESOURCE_NAME)) + _RESOURCE_NAME.encode("utf-16-le")
    return source.read_at(at, len(expected)) == expected


def _offset_of(program: _Program, address: int) -> int | None:
    """The offset in the file of an address in memory; None where no section has it."""
    for section in program.sections:
        if section.address <= address < section.address + max(section.size, section.stored):
            return section.offset + address - section.address
    return None
