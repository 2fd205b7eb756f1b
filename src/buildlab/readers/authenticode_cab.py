"""Signatures of cabinets, updates (MSU) included: where they are, and the digest that they state.

A signed cabinet reserves twenty bytes in its header ([MS-CAB] 2.1): offset and size of a PKCS#7 message that follows
the cabinet. What the digest covers is as observed in signed updates of Windows: the cabinet without the four bytes
behind its magic (reserved1), its number in its set, and the reserve up to and with that offset and size.
"""

import struct
from dataclasses import dataclass
from datetime import datetime

from buildlab.errors import FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.authenticode import check_authenticode
from buildlab.readers.authenticode_digest import Ranges, digest_of_ranges
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.signature import UNSIGNED, SignatureCheck
from buildlab.readers.signature_roots import TrustedRoots

_MAGIC = b"MSCF"
_FLAGS = 30
_RESERVE_PRESENT = 4
_RESERVE = struct.Struct("<HBBHHII")
_RESERVE_AT = 36
_RESERVE_SIZE = 20
_SIGNATURE_RESERVE = 0x10
_DIGESTED_HEADER = ((0, 4), (8, 26), (56, 4))
_HEADER_SIZE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CabinetSignature:
    """Where the PKCS#7 message of a cabinet is, in bytes from the cabinet's start."""

    offset: int
    size: int

    def digested(self) -> Ranges:
        """What the digest is over: the header but for what signing changes, and all up to the message."""
        return (*_DIGESTED_HEADER, (_HEADER_SIZE, self.offset - _HEADER_SIZE))


def find_cabinet_signature(source: ByteSource) -> CabinetSignature | None:
    """The place of the signature that the header tells; None for a cabinet without one.

    FormatError where `source` is no cabinet; TruncatedError where it ends before the end of the signature.
    """
    head = source.read_at(0, _HEADER_SIZE)
    if head[:4] != _MAGIC or len(head) < _RESERVE_AT:
        raise FormatError("cab", "does not begin with a cabinet header", offset=0)
    (flags,) = struct.unpack_from("<H", head, _FLAGS)
    if not flags & _RESERVE_PRESENT or len(head) < _HEADER_SIZE:
        return None
    reserved, _folder, _block, _zero, kind, offset, size = _RESERVE.unpack_from(head, _RESERVE_AT)
    if reserved != _RESERVE_SIZE or kind != _SIGNATURE_RESERVE or not size:
        return None
    if offset < _HEADER_SIZE:
        raise FormatError("cab", f"its signature at {offset} overlaps its header", offset=_RESERVE_AT)
    if offset + size > source.size:
        raise TruncatedError("cabinet cut before the end of its signature", offset=source.size)
    return CabinetSignature(offset=offset, size=size)


def cabinet_digest(source: ByteSource, place: CabinetSignature, algorithm: str) -> bytes:
    """The Authenticode digest of a signed cabinet. UnsupportedContentError where bytes follow the signature."""
    if source.size - place.offset - place.size > 7:
        raise UnsupportedContentError("the file goes on behind its signature", offset=place.offset + place.size)
    return digest_of_ranges(source, place.digested(), algorithm)


def check_cabinet(
    source: ByteSource, *, roots: TrustedRoots, as_of: datetime, limits: Limits = DEFAULT_LIMITS
) -> SignatureCheck:
    """Verify the signature of a cabinet or of an update that is one.

    Errors as `find_cabinet_signature`; LimitExceededError for a signature that is too large.
    """
    place = find_cabinet_signature(source)
    if place is None:
        return UNSIGNED
    if place.size > limits.signature_bytes:
        raise LimitExceededError(f"a signature of {place.size} bytes", offset=place.offset)
    return check_authenticode(
        source.read_at(place.offset, place.size),
        lambda algorithm: cabinet_digest(source, place, algorithm),
        roots=roots,
        as_of=as_of,
        limits=limits,
    )
