"""The restart pages of the log of NTFS (``$LogFile``): whether the volume was shut down cleanly.

Layout as in the public descriptions of the Log File Service (LFS_RESTART_PAGE_HEADER and LFS_RESTART_AREA).
"""

import struct
from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.readers.byte_source import ByteSource

_HEADER = struct.Struct("<4sHHQIIHhh")
_AREA = struct.Struct("<QHHHH")
_NO_CLIENT = 0xFFFF
_FLAG_CLEAN = 0x2
_SECTOR = 512
_FIRST_FIXUP = _SECTOR - 2
_PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_EMPTY = b"\xff" * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """What the newest restart page says. `version` is "1.1", or "2.0" where Windows 8 and later left it mounted;
    empty for a log that was emptied."""

    is_clean: bool
    version: str


def read_log_state(log: ByteSource) -> LogState:
    """The state of a log; FormatError where it has no restart page that can be read.

    A log whose first page is all ones was emptied, by a formatting or repairing program: there is nothing to replay.
    """
    first = log.read_at(0, _SECTOR)
    if first[:4] == _EMPTY:
        return LogState(is_clean=True, version="")
    pages = [first]
    if len(first) >= _HEADER.size and (size := _HEADER.unpack_from(first)[4]) in _PAGE_SIZES:
        pages.append(log.read_at(size, _SECTOR))
    else:
        pages += [log.read_at(size, _SECTOR) for size in _PAGE_SIZES]
    states = [state for page in pages if (state := _state(page)) is not None]
    if not states:
        raise FormatError("ntfs", "the log has no restart page that can be read")
    return max(states, key=lambda found: found[0])[1]


def _state(page: bytes) -> tuple[int, LogState] | None:
    """Sequence number and state of a restart page; None where the first sector of `page` is none."""
    if len(page) < _SECTOR:
        return None
    magic, _fixup, _count, _checked, _system, _log, area, minor, major = _HEADER.unpack_from(page)
    if magic not in (b"RSTR", b"CHKD") or not _HEADER.size <= area <= _FIRST_FIXUP - _AREA.size:
        return None
    number, _clients, _free, in_use, flags = _AREA.unpack_from(page, area)
    is_clean = in_use == _NO_CLIENT or bool(flags & _FLAG_CLEAN)
    return number, LogState(is_clean=is_clean, version=f"{major}.{minor}")
