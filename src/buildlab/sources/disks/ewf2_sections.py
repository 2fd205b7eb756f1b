"""The sections of an EWF image, version 2 (Ex01): what they say of the medium and of where its chunks are.

A section is data with its descriptor behind it, and each descriptor tells where the one before it is: a segment is read
from its end. One that was cut has no end to begin at.
"""

import hashlib
import struct
import zlib
from array import array

from buildlab.errors import EncryptedVolumeError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_ewf2 as c
from buildlab.sources.disks.ewf_image import EwfImage, EwfTable, damaged_unread_list, describe_medium

_MOST_SECTIONS = 500_000
"""In all segments."""
_MOST_ENTRIES = 1 << 20
_LONGEST_TEXT = 1 << 20
"""Bytes of a section of text, stored and inflated: some hundred are usual."""
_MOST_TEXTS = 16
"""Two are before the first list of chunks, and those behind it are not read."""
_MOST_UNREAD = 1 << 20
_TEXTS = (c.SECTION_DEVICE_INFORMATION, c.SECTION_CASE_DATA)
_NUMBERS = {"ts", "bp", "tb", "sb"}
"""Sectors, bytes in one, chunks, sectors in one."""


def read_segment(image: EwfImage, index: int, source: ByteSource, limits: Limits) -> None:
    """Take in the sections of a segment. FormatError for a damaged section, TruncatedError for a segment that does not
    end as one should, EncryptedVolumeError for an encrypted one."""
    for stop in reversed(_descriptors(image, index, source)):
        kind, flags, _, size, _, _, digest, _ = c.DESCRIPTOR.unpack(source.read_at(stop, c.DESCRIPTOR.size))
        start = stop - size
        if kind == c.SECTION_ENCRYPTION_KEYS or flags & c.DATA_ENCRYPTED:
            hint = "decrypt it with the program that made it"
            raise EncryptedVolumeError("EWF image of version 2 (Ex01) that is encrypted", offset=start, hint=hint)
        if kind in _TEXTS:
            if not image.chunk_size and not image.stated.keys() >= _NUMBERS:
                _read_text(image, source, start, size, digest if flags & c.DATA_HASHED else None)
        elif kind == c.SECTION_SECTOR_TABLE:
            if not image.chunk_size:
                _describe(image, start, limits)
            _read_table(image, index, source, start, stop)
        elif kind == c.SECTION_ERROR_TABLE:
            _read_unread(image, source, start, stop)
        elif kind in (c.SECTION_MD5, c.SECTION_SHA1):
            _read_hash(image, kind, source, start)
        elif kind in (c.SECTION_NEXT, c.SECTION_DONE):
            image.is_whole = kind == c.SECTION_DONE


def _descriptors(image: EwfImage, index: int, source: ByteSource) -> "array[int]":
    """The offsets of the descriptors, the last first; each is sound, and its data lies behind the one before."""
    offset, found = source.size - c.DESCRIPTOR.size, array("Q")
    while True:
        image.sections += 1
        if image.sections > _MOST_SECTIONS:
            raise LimitExceededError(f"EWF with more than {_MOST_SECTIONS} sections")
        data = source.read_at(offset, c.DESCRIPTOR.size) if offset >= c.HEADER_SIZE else b""
        if len(data) < c.DESCRIPTOR.size or zlib.adler32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            if not found:
                hint = "copy the file again; without its end nothing of it can be read"
                raise TruncatedError(f"segment {index + 1} of the EWF image is cut", offset=source.size, hint=hint)
            raise FormatError("ewf", f"a section of segment {index + 1} is damaged", offset=offset)
        kind, _, before, size, _, padding, _, _ = c.DESCRIPTOR.unpack(data)
        if (kind in (c.SECTION_NEXT, c.SECTION_DONE)) != (not found):
            raise FormatError("ewf", f"the sections of segment {index + 1} end in their midst", offset=offset)
        room = offset - (before + c.DESCRIPTOR.size if before else c.HEADER_SIZE)
        if not padding <= size <= room:
            raise FormatError("ewf", f"a section of segment {index + 1} overlaps the one before", offset=offset)
        found.append(offset)
        if not before:
            return found
        offset = before


def _read_text(image: EwfImage, source: ByteSource, start: int, size: int, digest: bytes | None) -> None:
    """A section of names and values: a line of each, in UTF-16, with tabs between them. Every segment has a copy; what
    is stated first counts.

    The values begin with what people wrote, which may hold tabs and line breaks though it should not: they are counted
    from their end.
    """
    image.texts += 1
    if size > _LONGEST_TEXT or image.texts > _MOST_TEXTS:
        raise LimitExceededError(f"EWF with {image.texts} sections of text, the last of {size} bytes", offset=start)
    data = source.read_at(start, size)
    if digest is not None and hashlib.md5(data, usedforsecurity=False).digest() != digest:
        raise FormatError("ewf", "a section that describes the medium does not have its hash", offset=start)
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, _LONGEST_TEXT + 1)
    except zlib.error as error:
        reason = f"a section that describes the medium cannot be inflated: {error}"
        raise FormatError("ewf", reason, offset=start) from error
    if len(text) > _LONGEST_TEXT or not stream.eof:
        raise FormatError("ewf", "a section that describes the medium is cut, or of no size that is read", offset=start)
    encoding = "utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le"
    count, main, named, *rest = (*text.decode(encoding, "replace").replace("\r", "").split("\n", 3), "", "", "")[:4]
    names, values = named.split("\t"), "".join(rest).rstrip("\n").split("\t")
    if (count, main) != ("1", "main") or len(values) < len(names):
        raise FormatError("ewf", "a section that describes the medium holds no names and values", offset=start)
    for name, value in zip(names, values[-len(names) :], strict=True):
        if name in _NUMBERS and value:
            if not (value.isascii() and value.isdigit() and len(value) <= 20):
                reason = f"the number {name} that describes the medium is {value[:40]!r}"
                raise FormatError("ewf", reason, offset=start)
            image.stated.setdefault(name, int(value))


def _describe(image: EwfImage, offset: int, limits: Limits) -> None:
    """The medium by what was stated before the first list of chunks; how many there are may be left out."""
    missing = sorted(_NUMBERS - {"tb"} - image.stated.keys())
    if missing:
        raise FormatError("ewf", f"no section that describes the medium states {', '.join(missing)}", offset=offset)
    image.sectors, image.sector_size = image.stated["ts"], image.stated["bp"]
    image.sectors_per_chunk = image.stated["sb"]
    chunk_size = image.sectors_per_chunk * image.sector_size
    needed = -(-image.sectors * image.sector_size // chunk_size) if chunk_size else 0
    image.chunk_count = image.stated.get("tb", needed)
    describe_medium(image, offset, limits)


def _read_table(image: EwfImage, index: int, source: ByteSource, start: int, stop: int) -> None:
    data = source.read_at(start, c.SECTOR_TABLE_HEADER_SIZE)
    header = c.definitions().sector_table_header(data.ljust(c.SECTOR_TABLE_HEADER_SIZE, b"\0"))
    count, place = int(header.entry_count), start + c.SECTOR_TABLE_HEADER_SIZE
    end = place + c.SECTOR_TABLE_ENTRY_SIZE * count + c.CHECKSUM_SIZE
    if zlib.adler32(data[:16]) != header.checksum or end > stop:
        raise FormatError("ewf", f"a list of chunks in segment {index + 1} is damaged", offset=start)
    if count > _MOST_ENTRIES:
        raise LimitExceededError(f"a list of {count} chunks")
    if header.first_chunk != image.chunks_listed:
        reason = f"a list in segment {index + 1} begins with chunk {header.first_chunk}, {image.chunks_listed} is due"
        raise FormatError("ewf", reason, offset=start)
    if count:
        image.tables.append(EwfTable(segment=index, first_chunk=image.chunks_listed, count=count, places=(place,)))


def _read_hash(image: EwfImage, kind: int, source: ByteSource, start: int) -> None:
    """Zeros stand for none."""
    name, size = ("MD5", 16) if kind == c.SECTION_MD5 else ("SHA1", 20)
    data = source.read_at(start, size + c.CHECKSUM_SIZE)
    if len(data) < size + c.CHECKSUM_SIZE or zlib.adler32(data[:size]) != int.from_bytes(data[size:], "little"):
        image.has_damaged_hash = True
    elif any(data[:size]):
        image.hashes[name] = data[:size].hex()


def _read_unread(image: EwfImage, source: ByteSource, start: int, stop: int) -> None:
    """A list of the sectors that the acquisition could not read."""
    data = source.read_at(start, c.ERROR_TABLE_HEADER_SIZE)
    header = c.definitions().error_table_header(data.ljust(c.ERROR_TABLE_HEADER_SIZE, b"\0"))
    count, place = int(header.entry_count), start + c.ERROR_TABLE_HEADER_SIZE
    length = c.SECTOR_TABLE_ENTRY_SIZE * count
    entries = b""
    if (
        zlib.adler32(data[:16]) == header.checksum
        and count <= _MOST_UNREAD - len(image.unread)
        and place + length + c.CHECKSUM_SIZE <= stop
    ):
        entries = source.read_at(place, length + c.CHECKSUM_SIZE)
    if not entries or zlib.adler32(entries[:length]) != int.from_bytes(entries[length:], "little"):
        image.unread_damage = damaged_unread_list(start)
        return
    image.unread += [(first, number) for first, number, _ in struct.iter_unpack("<QII", entries[:length])]
