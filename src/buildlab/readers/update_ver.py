"""``update.ver``: hash, version, size and branch of every file in an update for Windows XP or Server 2003.

Observed in Windows Server 2003 Service Pack 2, where hash and size are those of all 575 files that were compared:
``name=MD5, version, size, branch, signature``. The version is the four words of VS_FIXEDFILEINFO in 16 hexadecimal
digits, empty where the file has none. The last field is a CRC-32 of files that are no PE; what it is of the others is
not known, and it is left out.
"""

import re
from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.inf import InfLine, read_inf
from buildlab.windows.version import NtVersion

_MD5 = re.compile(r"[0-9A-Fa-f]{32}")
_PACKED = re.compile(r"[0-9A-Fa-f]{16}")
_SIZE = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateVerFile:
    """What is stated of one file. `path` is that in the package; `md5` is in lower case, `size` in bytes.

    `branch` is the line of servicing, ``SP2QFE``. A field that is empty or of another shape is None.
    """

    path: str
    md5: str | None
    version: NtVersion | None
    size: int | None
    branch: str | None


@dataclass(frozen=True, slots=True)
class UpdateVer:
    """The files in their order; `malformed` counts the lines that are of no known shape."""

    files: tuple[UpdateVerFile, ...]
    malformed: int = 0


def read_update_ver(data: bytes, limits: Limits = DEFAULT_LIMITS) -> UpdateVer:
    """Parse an update.ver; FormatError where it has no [SourceFileInfo] with a file in it, LimitExceededError."""
    section = read_inf(data, limits).section("SourceFileInfo")
    if section is None:
        raise FormatError("update.ver", "has no section SourceFileInfo")
    files = tuple(file for file in map(_file, section.lines) if file is not None)
    if not files:
        raise FormatError("update.ver", "names no file")
    return UpdateVer(files, len(section.lines) - len(files))


def _file(line: InfLine) -> UpdateVerFile | None:
    if not line.key or len(line.values) < 3:
        return None
    md5, version, size = line.values[:3]
    if (md5 and not _MD5.fullmatch(md5)) or (version and not _PACKED.fullmatch(version)):
        return None
    return UpdateVerFile(
        path=line.key,
        md5=md5.lower() or None,
        version=NtVersion.from_packed_qword(int(version, 16)) if version else None,
        size=int(size) if _SIZE.fullmatch(size) else None,
        branch=(line.values[3] if len(line.values) > 3 else "") or None,
    )
