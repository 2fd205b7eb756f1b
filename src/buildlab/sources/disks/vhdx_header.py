"""The two headers of a VHDX, of which the newer valid one counts ([MS-VHDX] 2.2.2)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from buildlab.errors import FormatError, TruncatedError, UnsupportedContentError
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_vhdx as c
from buildlab.sources.disks.crc32c import crc32c


@dataclass(frozen=True, slots=True, kw_only=True)
class VhdxHeader:
    """The header that counts. Offset and length of the log are in bytes; `log_guid` is None where the log is empty."""

    data_write_guid: UUID
    log_guid: UUID | None
    log_version: int
    log_offset: int
    log_length: int


def checksum_is_right(data: bytes) -> bool:
    """Whether the CRC-32C in `data` is that of `data` with the checksum itself taken as zero."""
    start, end = c.CHECKSUM_OFFSET, c.CHECKSUM_OFFSET + 4
    return crc32c(data[:start] + bytes(4) + data[end:]) == int.from_bytes(data[start:end], "little")


def read_header(source: ByteSource) -> VhdxHeader:
    """The valid header with the higher sequence number. One may be damaged: writers replace them in turn.

    TruncatedError where the file ends before them, FormatError where neither is valid or both claim to be the newer
    one, UnsupportedContentError for another version of the format.
    """
    found = [_valid_header(source, offset) for offset in c.HEADER_OFFSETS]
    headers = [raw for raw in found if raw is not None]
    if not headers:
        if source.size < c.HEADER_OFFSETS[-1] + c.HEADER_SIZE:
            raise TruncatedError("VHDX cut inside its headers", offset=source.size)
        raise FormatError("vhdx", "both headers are damaged", offset=c.HEADER_OFFSETS[0])
    header = c.definitions().header(max(headers, key=_sequence))
    if len(headers) == 2 and _sequence(headers[0]) == _sequence(headers[1]) and headers[0] != headers[1]:
        raise FormatError("vhdx", "two different headers have the same sequence number", offset=c.HEADER_OFFSETS[0])
    if header.version != c.VERSION:
        raise UnsupportedContentError(f"VHDX of version {header.version}: only version {c.VERSION} can be read")
    return VhdxHeader(
        data_write_guid=_guid(header.data_write_guid),
        log_guid=_guid(header.log_guid) if any(header.log_guid) else None,
        log_version=int(header.log_version),
        log_offset=int(header.log_offset),
        log_length=int(header.log_length),
    )


def _valid_header(source: ByteSource, offset: int) -> bytes | None:
    data = source.read_at(offset, c.HEADER_SIZE)
    whole = len(data) == c.HEADER_SIZE and data.startswith(c.HEADER_SIGNATURE)
    return data if whole and checksum_is_right(data) else None


def _sequence(header: bytes) -> int:
    return int(c.definitions().header(header).sequence_number)


def _guid(data: Any) -> UUID:
    return UUID(bytes_le=bytes(data))
