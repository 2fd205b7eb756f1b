"""The text that describes a VMDK: its identifier, its parent, and the extents it consists of."""

import re
from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.sources.disks import c_vmdk as c

DESCRIPTOR_BYTES = 1 << 20
"""Length of a descriptor that is read; real ones have some hundred bytes, and one line for 2 GB of a split disk."""

_LINE = 2000
"""Characters of a line that is read; file names are shorter."""
_EXTENT = re.compile(r'(RW|RDONLY|NOACCESS)\s+(\d{1,20})\s+(\w+)(?:\s+"(.*)"(?:\s+(\d{1,20}))?)?')
_ACCESS = re.compile(r"(RW|RDONLY|NOACCESS)\s")
_CID = re.compile(r"[0-9a-fA-F]{1,8}")
_ENCODING = re.compile(rb'^\s*encoding\s*=\s*"?([\w-]{1,40})', re.MULTILINE | re.IGNORECASE)
_TEXT_ENCODING = re.compile(r"utf-?8|us-ascii|windows-\d+|iso-8859-\d+|gb\w+|big5|shift_jis|euc-\w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtentLine:
    """One extent: `sectors` of 512 bytes, from sector `offset` of the file with the stated `name`."""

    access: str
    sectors: int
    type: str
    name: str | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a descriptor says. `parent_cid` is None for a disk without parent, `cid` where none is stated."""

    create_type: str
    cid: int | None
    parent_cid: int | None
    parent_hint: str | None
    extents: tuple[ExtentLine, ...]


def parse_descriptor(data: bytes) -> Descriptor:
    """The descriptor in `data`, which may be padded with NULs. FormatError for one that cannot be what was written.

    Of a key that is there twice the first counts; keys and lines that are not known are passed over.
    """
    text = _decode(data.partition(b"\0")[0])
    keys: dict[str, str] = {}
    extents: list[ExtentLine] = []
    for line in map(str.strip, text.replace("\r", "\n").split("\n")):
        if _ACCESS.match(line):
            extents.append(_extent(line))
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys.setdefault(key.strip().lower(), _unquoted(value.strip()))
    if not extents:
        raise FormatError("vmdk", "the descriptor states no extents, or is cut before them")
    parent_cid = _cid(keys, "parentcid")
    return Descriptor(
        create_type=keys.get("createtype", ""),
        cid=_cid(keys, "cid"),
        parent_cid=None if parent_cid == c.CID_NOPARENT else parent_cid,
        parent_hint=keys.get("parentfilenamehint"),
        extents=tuple(extents),
    )


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _extent(line: str) -> ExtentLine:
    match = _EXTENT.fullmatch(line) if len(line) <= _LINE else None
    if match is None:
        raise FormatError("vmdk", f"the descriptor's extent line {line[:100]!r} cannot be read")
    return ExtentLine(
        access=match[1], sectors=int(match[2]), type=match[3].upper(), name=match[4], offset=int(match[5] or 0)
    )


def _cid(keys: dict[str, str], key: str) -> int | None:
    stated = keys.get(key)
    if stated is None:
        return None
    if not _CID.fullmatch(stated):
        raise FormatError("vmdk", f"the descriptor's {key} {stated[:40]!r} is no number of 32 bits")
    return int(stated, 16)


def _decode(data: bytes) -> str:
    """The text in the encoding that it states, else in UTF-8, else as Latin-1, which takes any bytes."""
    match = _ENCODING.search(data)
    stated = match[1].decode("ascii", "replace") if match else "utf-8"
    for encoding in (stated if _TEXT_ENCODING.fullmatch(stated) else "utf-8", "utf-8"):
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode("latin-1")
