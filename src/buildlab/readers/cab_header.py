"""The tables at the start of one cabinet: CFHEADER, CFFOLDER and CFFILE, as [MS-CAB] 2.1 to 2.3 lay them out.

All integers are little-endian, all offsets count from the start of the cabinet.
"""

import struct
from dataclasses import dataclass

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.readers import c_cab as c
from buildlab.readers.byte_source import ByteSource

_LONGEST_NAME = 1024
_TABLE_READ = 1 << 16
_HEADER = struct.Struct("<8sIIIIBBHHHHH")
_RESERVE = struct.Struct("<HBB")
_FOLDER = struct.Struct("<IHH")
_FILE = struct.Struct("<IIHHHH")


@dataclass(frozen=True, slots=True)
class CabLink:
    """Another cabinet of the set, as its name and its disk's name are stated: untrusted."""

    cabinet: str
    disk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CabHeader:
    """CFHEADER. `size` is that of the cabinet without its signature; `part` counts from 0 within the set `set_id`.

    `reserve` is the area that the header reserves, `folder_reserve` and `block_reserve` the size of those of each
    folder and block; `version` is (major, minor); `folders_at` is where the first CFFOLDER lies.
    """

    size: int
    files_at: int
    version: tuple[int, int]
    folders: int
    files: int
    flags: int
    set_id: int
    part: int
    reserve: bytes
    folder_reserve: int
    block_reserve: int
    previous: CabLink | None
    next: CabLink | None
    folders_at: int


@dataclass(frozen=True, slots=True)
class CabFolder:
    """CFFOLDER: `blocks` blocks from `blocks_at`, compressed by the method of `compression`, a word of typeCompress."""

    blocks_at: int
    blocks: int
    compression: int


@dataclass(frozen=True, slots=True)
class CabFile:
    """CFFILE: `size` bytes from `offset` of a folder's content. `date` and `time` are words of DOS, in local time."""

    size: int
    offset: int
    folder: int
    date: int
    time: int
    attributes: int
    name: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CabTables:
    """One cabinet's tables; `damage` says what is wrong with them, and why some of `files` may be missing."""

    header: CabHeader
    folders: tuple[CabFolder, ...]
    files: tuple[CabFile, ...]
    damage: tuple[BuildlabError, ...]


def read_cab_tables(source: ByteSource, base: int = 0) -> CabTables:
    """The tables of the cabinet that begins at `base`.

    FormatError where none begins there or the header cannot be true; TruncatedError where it ends inside the header
    or the folders. A table of files that is cut or damaged ends at its first bad entry, which `damage` says.
    """
    header = read_cab_header(source, base)
    folders = _read_folders(source, base, header)
    damage: list[BuildlabError] = []
    if header.version != c.VERSION:
        damage.append(FormatError("cab", f"states version {header.version[0]}.{header.version[1]}", offset=base + 24))
    if source.size - base < header.size:
        missing = header.size - (source.size - base)
        damage.append(TruncatedError(f"cabinet cut: its last {missing} bytes are missing", offset=source.size))
    files = _read_files(source, base, header, damage)
    return CabTables(header=header, folders=folders, files=files, damage=tuple(damage))


def read_cab_header(source: ByteSource, base: int = 0) -> CabHeader:
    """The header alone; errors as `read_cab_tables`."""
    data = source.read_at(base, c.HEADER_SIZE)
    if data[:4] != c.MAGIC[:4]:
        raise FormatError("cab", "does not begin with MSCF", offset=base)
    if len(data) < c.HEADER_SIZE:
        raise TruncatedError("cabinet cut inside its header", offset=base + len(data))
    _, size, _, files_at, _, minor, major, folders, files, flags, set_id, part = _HEADER.unpack(data)
    at = base + c.HEADER_SIZE
    reserve, folder_reserve, block_reserve = b"", 0, 0
    if flags & c.FLAG_RESERVE:
        reserved, folder_reserve, block_reserve = _RESERVE.unpack(_exactly(source, at, _RESERVE.size))
        reserve = _exactly(source, at + _RESERVE.size, reserved)
        at += _RESERVE.size + reserved
    previous = following = None
    if flags & c.FLAG_PREVIOUS:
        previous, at = _read_link(source, at)
    if flags & c.FLAG_NEXT:
        following, at = _read_link(source, at)
    if not folders or not files:
        raise FormatError("cab", f"states {folders} folders and {files} files", offset=base + 26)
    if files_at < c.HEADER_SIZE or files_at >= source.size - base:
        raise FormatError("cab", f"its files are listed at {files_at:#x}, outside of it", offset=base + 16)
    return CabHeader(
        size=size,
        files_at=files_at,
        version=(major, minor),
        folders=folders,
        files=files,
        flags=flags,
        set_id=set_id,
        part=part,
        reserve=reserve,
        folder_reserve=folder_reserve,
        block_reserve=block_reserve,
        previous=previous,
        next=following,
        folders_at=at - base,
    )


def _exactly(source: ByteSource, at: int, length: int) -> bytes:
    data = source.read_at(at, length)
    if len(data) < length:
        raise TruncatedError("cabinet cut inside its header", offset=at + len(data))
    return data


def _read_link(source: ByteSource, at: int) -> tuple[CabLink, int]:
    """A name of a cabinet and of its disk, and where they end."""
    texts = []
    for _ in range(2):
        data = source.read_at(at, _LONGEST_NAME)
        end = data.find(b"\0")
        if end < 0:
            raise FormatError("cab", "the name of another cabinet of the set does not end", offset=at)
        texts.append(data[:end].decode("cp1252", "replace"))
        at += end + 1
    return CabLink(*texts), at


def _read_folders(source: ByteSource, base: int, header: CabHeader) -> tuple[CabFolder, ...]:
    width = _FOLDER.size + header.folder_reserve
    table = _exactly(source, base + header.folders_at, width * header.folders)
    return tuple(CabFolder(*_FOLDER.unpack_from(table, at)) for at in range(0, len(table), width))


def _read_files(source: ByteSource, base: int, header: CabHeader, damage: list[BuildlabError]) -> tuple[CabFile, ...]:
    files: list[CabFile] = []
    at = start = base + header.files_at
    table = b""
    for number in range(header.files):
        if at - start + _FILE.size + _LONGEST_NAME > len(table):
            start, table = at, source.read_at(at, _TABLE_READ)
        name_at = at - start + _FILE.size
        end = table.find(b"\0", name_at, name_at + _LONGEST_NAME)
        if end < 0:
            what = f"file {number} of {header.files}, the rest of which are missing"
            if len(table) - name_at < _LONGEST_NAME:
                damage.append(TruncatedError(f"cabinet cut inside {what}", offset=start + len(table)))
            else:
                damage.append(FormatError("cab", f"no end to the name of {what}", offset=at))
            break
        size, offset, folder, date, time, attributes = _FILE.unpack_from(table, at - start)
        files.append(CabFile(size, offset, folder, date, time, attributes, table[name_at:end]))
        at = start + end + 1
    return tuple(files)
