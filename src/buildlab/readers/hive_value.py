"""Registry values: types and the decoding of their data, lenient where Windows is."""

import struct
from typing import NamedTuple

REG_NONE = 0
REG_SZ = 1
REG_EXPAND_SZ = 2
REG_BINARY = 3
REG_DWORD = 4
REG_DWORD_BIG_ENDIAN = 5
REG_LINK = 6
REG_MULTI_SZ = 7
REG_QWORD = 11


class HiveValue(NamedTuple):
    """One value: a tuple, because a list of packages has tens of thousands. `name` is empty for a key's default value,
    `raw` is the data as stored, `offset` that of the record.

    In a stack of hives `layer` is the number of the one that states it; a `tombstone` deletes the value of that name in
    the hives below.

    The readings below return None where the data does not have the type that is asked for, so that a value of the
    wrong type is told apart from a missing one by its presence.
    """

    name: str
    type: int
    raw: bytes
    offset: int
    layer: int = 0
    tombstone: bool = False

    @property
    def text(self) -> str | None:
        """A string, to its first NUL; odd lengths and missing terminators are tolerated."""
        if self.type not in (REG_SZ, REG_EXPAND_SZ, REG_LINK):
            return None
        return _utf16(self.raw).partition("\0")[0]

    @property
    def number(self) -> int | None:
        """A DWORD or QWORD, unsigned."""
        if self.type == REG_DWORD and len(self.raw) >= 4:
            return int(struct.unpack_from("<I", self.raw)[0])
        if self.type == REG_DWORD_BIG_ENDIAN and len(self.raw) >= 4:
            return int(struct.unpack_from(">I", self.raw)[0])
        if self.type == REG_QWORD and len(self.raw) >= 8:
            return int(struct.unpack_from("<Q", self.raw)[0])
        return None

    @property
    def quad(self) -> int | None:
        """Eight bytes as one number, whether stored as QWORD or as binary (FILETIMEs come as both)."""
        if self.type in (REG_QWORD, REG_BINARY) and len(self.raw) >= 8:
            return int(struct.unpack_from("<Q", self.raw)[0])
        return None

    @property
    def strings(self) -> tuple[str, ...] | None:
        """All strings of a REG_MULTI_SZ, empty ones between others included; only the list's terminator is dropped."""
        if self.type != REG_MULTI_SZ:
            return None
        parts = _utf16(self.raw).split("\0")
        if parts[-1] == "":
            parts.pop()
        if parts and parts[-1] == "":
            parts.pop()
        return tuple(parts)


def _utf16(raw: bytes) -> str:
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace")
