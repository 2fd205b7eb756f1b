"""The sections of an EWF image, version 2 (Ex01): what they say of the medium and of where its chunks are.

A section is data with its descriptor behind it, and each descriptor tells where the one before it is: a segment is read
from its end. One that was cut has no end to begin at.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_ewf2 as c
from buildlab.sources.disks.ewf_image import EwfImage, EwfTable, describe_medium, unread_sectors

_MOST_SECTIONS = 500_000
_MOST_ENTRIES = 1 << 20
_LONGEST_TEXT = 1 << 20
"""Bytes of a section of text, stored and inflated: some hundred are usual."""
_MOST_UNREAD = 1 << 20
_TEXTS = (c.SECTION_DEVICE_INFORMATION, c.SECTION_CASE_DATA)


def read_segment(image: EwfImage, index: int, source: ByteSource, limits: Limits) -> None:
    """Take in the sections of a segment. FormatError for a damaged section, TruncatedError for a segment that does not
    end as one should, UnsupportedContentError for an encrypted one."""
    for descriptor, stop in reversed(list(_descriptors(index, source))):
        kind, size = int(descriptor.type), int(descriptor.data_size)
        start = stop - size
        if kind == c.SECTION_ENCRYPTION_KEYS or descriptor.data_flags & c.DATA_ENCRYPTED:
            hint = "decrypt it with the program that made it"
            raise UnsupportedContentError("EWF image of version 2 (Ex01) that is encrypted", offset=start, hint=hint)
        if kind in _TEXTS:
            _read_text(image, source, start, size, descriptor)
        elif kind == c.SECTION_SECTOR_TABLE:
            if not image.chunk_size:
                describe_medium(image, start, limits)
            _read_table(image, index, source, start, stop)
        elif kind == c.SECTION_ERROR_TABLE:
            image.unread = _unread(source, start, stop) or image.unread
        elif kind in (c.SECTION_MD5, c.SECTION_SHA1):
            _read_hash(image, kind, source, start)
        elif kind in (c.SECTION_NEXT, c.SECTION_DONE):
            image.is_whole = kind == c.SECTION_DONE


def _descriptors(index: int, source: ByteSource) -> Iterator[tuple[Any, int]]:
    """The descriptors with their offsets, the last first."""
    offset = source.size - c.DESCRIPTOR_SIZE
    for number in range(_MOST_SECTIONS):
        data = source.read_at(offset, c.DESCRIPTOR_SIZE) if offset >= c.HEADER_SIZE else b""
        if len(data) < c.DESCRIPTOR_SIZE or zlib.adler32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            if not number:
                hint = "copy the file again; without its end nothing of it can be read"
                raise TruncatedError(f"segment {index + 1} of the EWF image is cut", offset=source.size, hint=hint)
            raise FormatError("ewf", f"a section of segment {index + 1} is damaged", offset=offset)
        descriptor = c.definitions().section_descriptor(data)
        is_last = descriptor.type in (c.SECTION_NEXT, c.SECTION_DONE)
        if is_last != (number == 0):
            raise FormatError("ewf", f"the sections of segment {index + 1} end in their midst", offset=offset)
        before = int(descriptor.previous_offset)
        room = offset - (before + c.DESCRIPTOR_SIZE if before else c.HEADER_SIZE)
        if descriptor.data_size > max(room, 0) or descriptor.padding_size > descriptor.data_size or room < 0:
            raise FormatError("ewf", f"a section of segment {index + 1} overlaps the one before", offset=offset)
        yield descriptor, offset
        if not before:
            return
        offset = before
    raise LimitExceededError(f"EWF with more than {_MOST_SECTIONS} sections")


def _read_text(image: EwfImage, source: ByteSource, start: int, size: int, descriptor: Any) -> None:
    """A section of names and values: two lines of UTF-16 with tabs between them. Every segment has a copy; what differs
    in a later one is not asked for."""
    if size > _LONGEST_TEXT:
        raise LimitExceededError(f"EWF with a section of text of {size} bytes", offset=start)
    data = source.read_at(start, size)
    is_hashed = bool(descriptor.data_flags & c.DATA_HASHED)
    if is_hashed and hashlib.md5(data, usedforsecurity=False).digest() != descriptor.data_hash:
        raise FormatError("ewf", "a section that describes the medium does not have its hash", offset=start)
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, _LONGEST_TEXT + 1)
    except zlib.error as error:
        reason = f"a section that describes the medium cannot be inflated: {error}"
        raise FormatError("ewf", reason, offset=start) from error
    if len(text) > _LONGEST_TEXT or not stream.eof:
        raise FormatError("ewf", "a section that describes the medium is cut, or of no size that is read", offset=start)
    lines = text.decode("utf-16", "replace").split("\n")
    if len(lines) < 4 or lines[1].rstrip("\r") != "main":
        raise FormatError("ewf", "a section that describes the medium holds no names and values", offset=start)
    names, values = (line.rstrip("\r").split("\t") for line in lines[2:4])
    for name, value in zip(names, values, strict=False):
        if name in ("ts", "bp", "tb", "sb"):
            _take_number(image, name, value, start)


def _take_number(image: EwfImage, name: str, value: str, offset: int) -> None:
    if not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise FormatError("ewf", f"the number {name} that describes the medium is {value[:40]!r}", offset=offset)
    if name == "ts":
        image.sectors = image.sectors or int(value)
    elif name == "bp":
        image.sector_size = image.sector_size or int(value)
    elif name == "tb":
        image.chunk_count = image.chunk_count or int(value)
    else:
        image.sectors_per_chunk = image.sectors_per_chunk or int(value)


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


def _unread(source: ByteSource, start: int, stop: int) -> BuildlabError | None:
    """What the list of sectors says that the acquisition could not read; None for an empty one."""
    data = source.read_at(start, c.ERROR_TABLE_HEADER_SIZE)
    header = c.definitions().error_table_header(data.ljust(c.ERROR_TABLE_HEADER_SIZE, b"\0"))
    count, place = int(header.entry_count), start + c.ERROR_TABLE_HEADER_SIZE
    length = c.SECTOR_TABLE_ENTRY_SIZE * count
    is_sound = zlib.adler32(data[:16]) == header.checksum and count <= _MOST_UNREAD
    entries = b""
    if is_sound and place + length + c.CHECKSUM_SIZE <= stop:
        entries = source.read_at(place, length + c.CHECKSUM_SIZE)
    if zlib.adler32(entries[:length]) != int.from_bytes(entries[length:], "little") or len(entries) < length:
        reason = "the list of the sectors that the acquisition could not read is damaged"
        return FormatError("ewf", reason, offset=start)
    return unread_sectors([(first, number) for first, number, _ in struct.iter_unpack("<QII", entries[:length])])
