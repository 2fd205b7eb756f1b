"""The base block of a registry hive and of its transaction logs (regf, 4096 bytes of which 512 are used).

Layout as in the public descriptions of the regf format, confirmed on hives of Windows XP to 10. All integers are
little-endian.
"""

import struct
from dataclasses import dataclass

from buildlab.errors import FormatError

SIGNATURE = b"regf"
SIZE = 4096
"""Bytes before the first hive bin; every cell offset is relative to the end of this block."""
LOG_SIZE = 512
"""Bytes of the block that a transaction log repeats."""

TYPE_PRIMARY = 0
TYPES_LOG_OLD = (1, 2)
TYPE_LOG_NEW = 6

_FIELDS = struct.Struct("<4sIIQIIIIIII64s16s")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBlock:
    """The fields of a base block. `written` is a FILETIME, `bins_size` in bytes, `root` relative to the first bin."""

    primary_sequence: int
    secondary_sequence: int
    written: int
    major: int
    minor: int
    type: int
    root: int
    bins_size: int
    clustering: int
    file_name: str
    resource_manager: bytes
    checksum_matches: bool

    @property
    def is_dirty(self) -> bool:
        """True when writing the hive was begun and not finished, so that its log must be replayed."""
        return self.primary_sequence != self.secondary_sequence or not self.checksum_matches


def checksum(block: bytes | bytearray) -> int:
    """XOR of the first 127 DWORDs; 0 becomes 1 and 0xFFFFFFFF becomes 0xFFFFFFFE."""
    value = 0
    for word in struct.unpack_from("<127I", block):
        value ^= word
    return {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(value, value)


def parse_base_block(data: bytes | bytearray) -> BaseBlock:
    """Parse the first 512 bytes of a hive or log; FormatError when they are cut or hold no ``regf``."""
    if bytes(data[:4]) != SIGNATURE:
        raise FormatError("hive", "does not begin with 'regf'", offset=0)
    if len(data) < LOG_SIZE:
        raise FormatError("hive", f"cut inside its base block: {len(data)} of {LOG_SIZE} bytes", offset=len(data))
    (_, primary, secondary, written, major, minor, type_, _format, root, bins_size, clustering, name, manager) = (
        _FIELDS.unpack_from(data)
    )
    (stored,) = struct.unpack_from("<I", data, 508)
    return BaseBlock(
        primary_sequence=primary,
        secondary_sequence=secondary,
        written=written,
        major=major,
        minor=minor,
        type=type_,
        root=root,
        bins_size=bins_size,
        clustering=clustering,
        file_name=name.decode("utf-16-le", "replace").partition("\0")[0],
        resource_manager=manager,
        checksum_matches=stored == checksum(data),
    )
