"""Windows Imaging Format: header, resource records and lookup table. All integers are little-endian.

Layout as in Microsoft's "Windows Imaging File Format" white paper, with the later additions (solid resources, split and
pipable files) as observed in files of other programs.
"""

import struct
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers import c_wim as c
from buildlab.readers.byte_source import ByteSource

_COMPRESSIONS = {0x20000: "xpress", 0x40000: "lzx", 0x80000: "lzms", 0x200000: "xpress"}

_DEFAULT_CHUNK = 32768
_LARGEST_CHUNK = 1 << 30
_HEADER = struct.Struct("<8sIIII16sHHI24s24s24sI24s60x")
_LOOKUP = struct.Struct("<7xB8xQ6x20s")
"""Flags, size and SHA-1 of an entry; it begins with a resource record."""
_RECORD_SIZE = 24


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """Where a resource is: `offset` and `stored_size` in the file, `size` of its content, and flags."""

    stored_size: int
    flags: int
    offset: int
    size: int

    @property
    def is_compressed(self) -> bool:
        return bool(self.flags & c.RESOURCE_COMPRESSED)

    @property
    def is_solid(self) -> bool:
        return bool(self.flags & c.RESOURCE_SOLID)


@dataclass(frozen=True, slots=True, kw_only=True)
class WimHeader:
    """The header. `compression` is "none", "xpress", "lzx" or "lzms"; `chunk_size` in bytes."""

    version: int
    flags: int
    compression: str
    chunk_size: int
    guid: bytes
    part: int
    parts: int
    images: int
    lookup: ResourceRecord
    xml: ResourceRecord
    integrity: ResourceRecord
    pipable: bool


@dataclass(frozen=True, slots=True)
class LookupEntry:
    """One entry of the lookup table: a resource, and the SHA-1 of its content."""

    record: ResourceRecord
    sha1: bytes


class LookupTable:
    """The lookup table of one file: `metadata` of its images, its `solid` resources, and the streams by their hashes.

    Of the streams, some ten thousands in an image, only the place in the table is kept; of several with one hash the
    first counts. FormatError where the table is
    no whole number of entries, LimitExceededError where it has too many.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        if len(data) % _LOOKUP.size:
            raise FormatError("wim", f"a lookup table of {len(data)} bytes, no multiple of {_LOOKUP.size}")
        if len(data) // _LOOKUP.size > limits.wim_streams:
            raise LimitExceededError(f"a lookup table of {len(data) // _LOOKUP.size} entries")
        self._data = data
        self._places: dict[bytes, int] = {}
        metadata: list[LookupEntry] = []
        solid: list[ResourceRecord] = []
        for number, (flags, size, sha1) in enumerate(_LOOKUP.iter_unpack(data)):
            if flags & c.RESOURCE_METADATA:
                metadata.append(LookupEntry(self._record(number), sha1))
            elif flags & c.RESOURCE_SOLID and size == c.SOLID_CONTAINER_SIZE:
                solid.append(self._record(number))
            else:
                self._places.setdefault(sha1, number)
        self.metadata, self.solid = tuple(metadata), tuple(solid)

    def stream(self, sha1: bytes) -> ResourceRecord | None:
        """Where the stream with this hash is; None where it is not in this file."""
        number = self._places.get(sha1)
        return None if number is None else self._record(number)

    def _record(self, number: int) -> ResourceRecord:
        start = number * _LOOKUP.size
        return _record(self._data[start : start + _RECORD_SIZE])


def _record(raw: bytes) -> ResourceRecord:
    stored_and_flags, offset, size = struct.unpack("<QQQ", raw)
    return ResourceRecord(stored_and_flags & 0xFFFFFFFFFFFFFF, stored_and_flags >> 56, offset, size)


def read_header(source: ByteSource) -> WimHeader:
    """The header of a WIM; that of a pipable one is its last 208 bytes.

    FormatError where there is none; UnsupportedContentError for versions that are not known.
    """
    data = source.read_at(0, c.HEADER_SIZE)
    if data[:8] == c.MAGIC_PIPABLE:
        data = source.read_at(max(0, source.size - c.HEADER_SIZE), c.HEADER_SIZE)
        if data[:8] != c.MAGIC_PIPABLE:
            raise TruncatedError("pipable WIM cut: its header at the end is missing", offset=source.size)
    if len(data) < c.HEADER_SIZE:
        raise TruncatedError("WIM cut inside its header", offset=len(data))
    (magic, size, version, flags, chunk, guid, part, parts, images, lookup, xml, _boot, _index, integrity) = (
        _HEADER.unpack(data)
    )
    if magic not in (c.MAGIC, c.MAGIC_PIPABLE) or size != c.HEADER_SIZE:
        raise FormatError("wim", f"a header of {size} bytes", offset=8)
    if version not in (c.VERSION_NORMAL, c.VERSION_SOLID):
        raise UnsupportedContentError(f"WIM version {version:#x} is not supported", offset=12)
    chunk = chunk or _DEFAULT_CHUNK
    if chunk & (chunk - 1) or not 4096 <= chunk <= _LARGEST_CHUNK:
        raise FormatError("wim", f"chunk size {chunk}", offset=20)
    return WimHeader(
        version=version,
        flags=flags,
        compression=_compression(flags),
        chunk_size=chunk,
        guid=guid,
        part=part,
        parts=parts,
        images=images,
        lookup=_record(lookup),
        xml=_record(xml),
        integrity=_record(integrity),
        pipable=magic == c.MAGIC_PIPABLE,
    )


def _compression(flags: int) -> str:
    if not flags & c.FLAG_COMPRESSED:
        return "none"
    named = {name for bit, name in _COMPRESSIONS.items() if flags & bit}
    if len(named) != 1:
        raise FormatError("wim", f"flags {flags:#x} name {len(named)} compressions", offset=16)
    return named.pop()
