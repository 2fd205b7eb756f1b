"""What a Microsoft delta (PA30, PA31, PA19) says of itself, readable without the file that it is applied to.

There is no public specification of PA30 and PA31. Observed in files of Windows Vista to 11, after public notes on the
format and the flag names of the SDK header ``msdelta.h``. The header of PA19 is as publicly described; its options are
those of ``patchapi.h``.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from typing import Literal

from buildlab.errors import FormatError, TruncatedError, UnsupportedContentError
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.codecs.delta_bits import BitReader

FILE_TYPE_RAW = 0x1
FILE_TYPES = {
    0x1: "RAW",
    0x2: "I386",
    0x4: "IA64",
    0x8: "AMD64",
    0x10: "CLI4_I386",
    0x20: "CLI4_AMD64",
    0x40: "CLI4_ARM",
    0x80: "CLI4_ARM64",
}
_REVERSE = 0x100
_FLAGS = (
    *("E8", "MARK", "IMPORTS", "EXPORTS", "RESOURCES", "RELOCS", "I386_SMASHLOCK", "I386_JMPS", "I386_CALLS"),
    *("AMD64_DISASM", "AMD64_PDATA", "IA64_DISASM", "IA64_PDATA", "UNBIND", "CLI_DISASM", "CLI_METADATA", "HEADERS"),
    *("IGNORE_FILE_SIZE_LIMIT", "IGNORE_OPTIONS_SIZE_LIMIT", "ARM_DISASM", "ARM_PDATA", "CLI4_METADATA", "CLI4_DISASM"),
)
_HASHES = {0x8003: "md5", 0x8004: "sha1", 0x800C: "sha256"}
"""By ALG_ID."""
_LONGEST_HASH = 33
_HEAD = 4096
_FIXED_SIZE = 12

_PA19_NO_REBASE = 0x00040000
_PA19_NO_TIMESTAMP = 0x00800000
_PA19_MORE_OPTIONS = 0x80000000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaHeader:
    """The header of a delta.

    `target_size` is in bytes, `file_time` a FILETIME (UTC). `file_type` is the kind of the old file and
    `file_type_set` the kinds that were considered, both as bits of `FILE_TYPES`; `flags` are the transforms in PA30
    and PA31, and the options in PA19. `hash_algorithm` is an ALG_ID, 0 for none, and `target_hash` the digest of the
    new file. In a PA19 delta `target_checksum` is a CRC-32 without its final inversion and `old_files` the number of
    files that it applies to; both are None in the others, as are `file_time`, `file_type` and `file_type_set` in PA19.
    """

    format: Literal["PA30", "PA31", "PA19"]
    target_size: int
    flags: int
    file_time: int | None = None
    file_type: int | None = None
    file_type_set: int | None = None
    hash_algorithm: int = 0
    target_hash: bytes = b""
    target_checksum: int | None = None
    old_files: int | None = None

    @property
    def file_type_name(self) -> str | None:
        """``RAW``, ``I386``, ``AMD64`` …, or the number where it has no name."""
        return None if self.file_type is None else FILE_TYPES.get(self.file_type, f"{self.file_type:#x}")

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The transforms of a PA30 or PA31 delta by name, lowest bit first; bits without a name as numbers."""
        if self.format == "PA19":
            return ()
        named = tuple(name for bit, name in enumerate(_FLAGS) if self.flags >> bit & 1)
        unknown = self.flags >> len(_FLAGS) << len(_FLAGS)
        return (*named, f"{unknown:#x}") if unknown else named

    @property
    def hash_name(self) -> str | None:
        """ "md5", "sha1" or "sha256"; None where there is no hash or its algorithm is not known."""
        return _HASHES.get(self.hash_algorithm)

    @property
    def is_reverse(self) -> bool:
        """Whether the delta also leads back to the old file."""
        return bool((self.file_type_set or 0) & _REVERSE)

    def matches(self, data: bytes | bytearray) -> bool | None:
        """Whether `data` has the hash stated; None where none is stated.

        UnsupportedContentError where its algorithm is not known.
        """
        if not self.target_hash:
            return None
        if self.hash_name is None:
            raise UnsupportedContentError(f"a delta with a hash of the algorithm {self.hash_algorithm:#x}")
        return hashlib.new(self.hash_name, data, usedforsecurity=False).digest() == self.target_hash


@dataclass(frozen=True, slots=True)
class Delta:
    """A PA30 or PA31 delta taken apart: what its transforms need, and the patch. Both are bitstreams of their own."""

    header: DeltaHeader
    preprocess: bytes = field(repr=False)
    patch: bytes = field(repr=False)


def is_delta(data: bytes) -> bool:
    """Whether `data` (8 bytes are enough) begins like a delta."""
    return data[:4] in (b"PA30", b"PA31", b"PA19") or data[4:8] in (b"PA30", b"PA31")


def read_delta_header(source: ByteSource) -> DeltaHeader:
    """The header of a delta, out of its first 4 KiB; FormatError where there is none."""
    head = source.read_at(0, _HEAD)
    if head[4:8] in (b"PA30", b"PA31"):
        head = head[4:]
    if head[:4] == b"PA19":
        return _read_pa19(head)
    return _read_header(head)[0]


def read_delta(data: bytes) -> Delta:
    """Take a whole delta apart; FormatError where it is damaged, UnsupportedContentError for PA19 and reverse deltas.

    A CRC-32 before the delta, as in differential downloads of Windows 10 and 11, is checked.
    """
    if data[4:8] in (b"PA30", b"PA31"):
        if zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
            raise FormatError("delta", "the checksum before it does not fit", offset=0)
        data = data[4:]
    if data[:4] == b"PA19":
        _read_pa19(data)
        raise UnsupportedContentError("a PA19 delta cannot be applied; only its header can be read")
    header, reader = _read_header(data)
    if header.is_reverse:
        raise UnsupportedContentError("a reverse delta is not supported")
    return Delta(header, reader.buffer(), reader.buffer())


def _read_header(data: bytes) -> tuple[DeltaHeader, BitReader]:
    """The header, and the bitstream where it stands behind it."""
    if data[:4] not in (b"PA30", b"PA31"):
        raise FormatError("delta", "begins with none of 'PA30', 'PA31' and 'PA19'", offset=0)
    if len(data) < _FIXED_SIZE:
        raise TruncatedError("delta cut inside its header", offset=len(data))
    outer = BitReader(data[_FIXED_SIZE:])
    is_pa31 = data[3:4] == b"1"
    reader = BitReader(outer.buffer()) if is_pa31 else outer
    file_type_set, file_type, flags, size, algorithm = (reader.number() for _ in range(5))
    digest = reader.buffer()
    if size < 0 or min(file_type_set, file_type, flags, algorithm) < 0:
        raise FormatError("delta", "a negative number in its header", offset=_FIXED_SIZE)
    expected = hashlib.new(_HASHES[algorithm], usedforsecurity=False).digest_size if algorithm in _HASHES else None
    if len(digest) > _LONGEST_HASH or (expected is not None and len(digest) != expected) or (digest and not algorithm):
        raise FormatError("delta", f"a hash of {len(digest)} bytes for the algorithm {algorithm:#x}")
    header = DeltaHeader(
        format="PA31" if is_pa31 else "PA30",
        file_time=int.from_bytes(data[4:12], "little"),
        file_type_set=file_type_set,
        file_type=file_type,
        flags=flags,
        target_size=size,
        hash_algorithm=algorithm,
        target_hash=digest,
    )
    return header, outer


def _read_pa19(data: bytes) -> DeltaHeader:
    at = 8
    try:
        (options,) = struct.unpack_from("<I", data, 4)
        if options & _PA19_MORE_OPTIONS:
            at += 4
        if options & _PA19_NO_TIMESTAMP:
            at += 4
        if not options & _PA19_NO_REBASE:
            _, at = _variable_number(data, at)
        size, at = _variable_number(data, at)
        checksum, old_files = struct.unpack_from("<IB", data, at)
    except struct.error as error:
        raise TruncatedError("PA19 delta cut inside its header", offset=len(data)) from error
    return DeltaHeader(format="PA19", target_size=size, flags=options, target_checksum=checksum, old_files=old_files)


def _variable_number(data: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, low ones first, up to the byte whose high bit is set; and where it ends."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise TruncatedError("PA19 delta cut inside its header", offset=len(data))
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            return value, at
    raise FormatError("delta", "a number of more than 64 bits", offset=at)
