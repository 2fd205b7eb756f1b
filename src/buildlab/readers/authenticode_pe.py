"""Signatures in PE files: the attribute certificate table, and the digest that they state.

After "Windows Authenticode Portable Executable Signature Format" and the PE/COFF specification. The digest leaves out
the checksum, the directory entry of the table, and the table, which has to be the end of the file.
"""

import struct
from dataclasses import dataclass, replace
from datetime import datetime

from buildlab.errors import FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.authenticode import check_authenticode
from buildlab.readers.authenticode_digest import Ranges, digest_of_ranges
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.signature import UNSIGNED, SignatureCheck, not_readable
from buildlab.readers.signature_roots import TrustedRoots

_PE_OFFSET = 0x3C
_COFF_SIZE = 24
_CHECKSUM = 64
_DIRECTORIES = {0x10B: 96, 0x20B: 112}
_SECURITY_DIRECTORY = 4
_ENTRY = struct.Struct("<IHH")
_PKCS_SIGNED_DATA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PeSignatureLayout:
    """Where things are in the file, in bytes: `checksum`, `entry` of the directory, and the table (0, 0: none)."""

    checksum: int
    entry: int | None
    table: int
    table_size: int
    file_size: int

    def digested(self) -> Ranges:
        """What the digest is over. UnsupportedContentError where the file goes on behind the table."""
        end = self.table if self.table_size else self.file_size
        if self.table_size and self.table + self.table_size != self.file_size:
            raise UnsupportedContentError("the file goes on behind its certificate table", offset=self.table)
        if self.entry is None:
            return ((0, self.checksum), (self.checksum + 4, end - self.checksum - 4))
        first, second = self.checksum + 4, self.entry + 8
        return ((0, self.checksum), (first, self.entry - first), (second, end - second))


def read_pe_signature_layout(source: ByteSource) -> PeSignatureLayout:
    """The layout of a PE file; FormatError where it is none, TruncatedError where it ends inside its table."""
    head = source.read_at(0, _PE_OFFSET + 4)
    if head[:2] != b"MZ" or len(head) < _PE_OFFSET + 4:
        raise FormatError("pe", "does not begin with a DOS header", offset=0)
    (start,) = struct.unpack_from("<I", head, _PE_OFFSET)
    optional = start + _COFF_SIZE
    header = source.read_at(start, _COFF_SIZE + _DIRECTORIES[0x20B] + 8 * (_SECURITY_DIRECTORY + 1))
    if header[:4] != b"PE\0\0" or len(header) < _COFF_SIZE + _CHECKSUM + 4:
        raise FormatError("pe", "has no PE header", offset=start)
    (size, magic) = struct.unpack_from("<H2xH", header, 20)
    directories = _DIRECTORIES.get(magic)
    if directories is None or size < directories:
        raise FormatError("pe", f"optional header {magic:#x} of {size} bytes", offset=optional)
    entry = directories + 8 * _SECURITY_DIRECTORY
    if len(header) < _COFF_SIZE + entry + 8 and size >= entry + 8:
        raise TruncatedError("PE file cut inside its headers", offset=start + len(header))
    (count,) = struct.unpack_from("<I", header, _COFF_SIZE + directories - 4)
    if count <= _SECURITY_DIRECTORY or size < entry + 8:
        return PeSignatureLayout(
            checksum=optional + _CHECKSUM, entry=None, table=0, table_size=0, file_size=source.size
        )
    table, table_size = struct.unpack_from("<II", header, _COFF_SIZE + entry)
    if table_size and table + table_size > source.size:
        raise TruncatedError("PE file cut inside its certificate table", offset=source.size)
    if table_size and table < optional + entry + 8:
        raise FormatError("pe", "its certificate table overlaps its headers", offset=optional + entry)
    return PeSignatureLayout(
        checksum=optional + _CHECKSUM,
        entry=optional + entry,
        table=table,
        table_size=table_size,
        file_size=source.size,
    )


def pe_signatures(source: ByteSource, layout: PeSignatureLayout, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, ...]:
    """The PKCS#7 messages of the certificate table; FormatError where its entries do not fit it."""
    if layout.table_size > limits.signature_bytes:
        raise LimitExceededError(f"a certificate table of {layout.table_size} bytes", offset=layout.table)
    found: list[bytes] = []
    data = source.read_at(layout.table, layout.table_size)
    at = entries = 0
    while at + _ENTRY.size <= len(data):
        length, _revision, kind = _ENTRY.unpack_from(data, at)
        if not _ENTRY.size <= length <= len(data) - at:
            raise FormatError("pe", f"a certificate entry of {length} bytes", offset=layout.table + at)
        if entries == limits.signature_nested:
            raise LimitExceededError(f"more than {entries} certificate entries", offset=layout.table)
        entries += 1
        if kind == _PKCS_SIGNED_DATA:
            found.append(data[at + _ENTRY.size : at + length])
        at += length + 7 & ~7
    return tuple(found)


def pe_digest(source: ByteSource, layout: PeSignatureLayout, algorithm: str) -> bytes:
    """The Authenticode digest: what a catalogue lists, and the file's own signature states.

    A file without signature is digested as if it were filled with zeros to a multiple of eight bytes, because signing
    fills it.
    """
    padding = 0 if layout.table_size else -layout.file_size % 8
    return digest_of_ranges(source, layout.digested(), algorithm, padding)


def check_pe(
    source: ByteSource, *, roots: TrustedRoots, as_of: datetime, limits: Limits = DEFAULT_LIMITS
) -> SignatureCheck:
    """Verify the signature embedded in a PE file; "unsigned" where it has none (it may be in a catalogue all the same).

    FormatError and TruncatedError as `read_pe_signature_layout`. Further entries of the table count as nested.
    """
    layout = read_pe_signature_layout(source)
    try:
        blobs = pe_signatures(source, layout, limits)
    except (FormatError, LimitExceededError) as error:
        return not_readable(error)
    checks = [
        check_authenticode(
            blob, lambda algorithm: pe_digest(source, layout, algorithm), roots=roots, as_of=as_of, limits=limits
        )
        for blob in blobs
    ]
    if not checks:
        return UNSIGNED
    return replace(checks[0], nested=(*checks[0].nested, *checks[1:]))
