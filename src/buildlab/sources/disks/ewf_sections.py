"""The sections of an EWF image, version 1: what they say of the medium and of where its chunks are.

Everything that has a checksum is held against it, for what is wrong in a list of chunks would shift all that follow.
"""

import struct
import zlib
from dataclasses import replace

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_ewf as c
from buildlab.sources.disks.ewf_image import EwfImage, EwfTable, damaged_unread_list, describe_medium

_LONGEST_VOLUME = 4096
_MOST_SECTIONS = 500_000
_MOST_ENTRIES = 1 << 20
_MOST_UNREAD = 1 << 20
"""Ranges of sectors that could not be read, in all sections."""


def read_segment(image: EwfImage, index: int, source: ByteSource, limits: Limits) -> bool:
    """Take in the sections of a segment; whether it ends as one should. FormatError for a damaged section."""
    position, sectors_end = c.HEADER_SIZE, None
    while True:
        image.sections += 1
        if image.sections > _MOST_SECTIONS:
            raise LimitExceededError(f"EWF with more than {_MOST_SECTIONS} sections")
        data = source.read_at(position, c.SECTION_SIZE)
        if len(data) < c.SECTION_SIZE:
            return False
        section = c.definitions().section(data)
        if zlib.adler32(data[:72]) != section.checksum:
            raise FormatError("ewf", f"a section of segment {index + 1} is damaged", offset=position)
        kind = section.type.rstrip(b"\0")
        start, following = position + c.SECTION_SIZE, int(section.next_offset)
        if kind in (b"next", b"done"):
            image.is_whole = kind == b"done"
            return True
        if following <= position:
            raise FormatError("ewf", f"a section of segment {index + 1} leads back", offset=position)
        if kind in (b"volume", b"disk") and not image.chunk_size:
            _read_volume(image, source.read_at(start, min(following - start, _LONGEST_VOLUME)), start, limits)
        elif kind == b"sectors":
            sectors_end = following
        elif kind in (b"table", b"table2"):
            if following > source.size:
                return False
            end = following if sectors_end is None else sectors_end
            _read_table(image, index, source, start, following, end, kind == b"table2")
        elif kind in (b"hash", b"digest"):
            _read_hashes(image, kind, source.read_at(start, 80))
        elif kind == b"error2":
            _read_unread(image, source, start, following)
        position = following


def _read_volume(image: EwfImage, data: bytes, offset: int, limits: Limits) -> None:
    image.is_smart = len(data) == c.SMART_VOLUME_SIZE
    if len(data) < c.SMART_VOLUME_SIZE or zlib.adler32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise FormatError("ewf", "the section that describes the medium is damaged", offset=offset)
    volume = c.definitions().volume(data[: c.VOLUME_SIZE])
    image.sectors = int(volume.sector_count) & (0xFFFFFFFF if image.is_smart else 0xFFFFFFFFFFFFFFFF)
    image.sector_size, image.chunk_count = int(volume.bytes_per_sector), int(volume.chunk_count)
    image.sectors_per_chunk = int(volume.sectors_per_chunk)
    describe_medium(image, offset, limits)


def _read_table(
    image: EwfImage, index: int, source: ByteSource, start: int, stop: int, data_end: int, is_copy: bool
) -> None:
    """Add a table, or the copy of the one before. One with a damaged head counts no chunks until its copy is found."""
    data = source.read_at(start, c.TABLE_HEADER_SIZE)
    header = c.definitions().table_header(data.ljust(c.TABLE_HEADER_SIZE, b"\0"))
    place, count = start + c.TABLE_HEADER_SIZE, int(header.entry_count)
    is_sound = zlib.adler32(data[:20]) == header.checksum and place + 4 * count <= stop
    last = image.tables[-1] if image.tables else None
    if is_copy and last is not None and last.segment == index and last.count in (0, count) and len(last.places) == 1:
        if is_sound:
            base = int(header.base_offset)
            image.tables[-1] = replace(last, count=count, base=base, places=(*last.places, place))
        return
    refuse_missing_list(image)
    if not is_sound and (is_copy or image.is_smart):
        raise FormatError("ewf", f"a list of chunks in segment {index + 1} is damaged", offset=start)
    if is_sound and count > _MOST_ENTRIES:
        raise LimitExceededError(f"a list of {count} chunks")
    if is_sound and not count:
        return
    image.tables.append(
        EwfTable(
            segment=index,
            first_chunk=image.chunks_listed,
            count=count if is_sound else 0,
            base=int(header.base_offset) if is_sound else 0,
            places=(place,),
            end=data_end,
            has_checksum=not image.is_smart,
        )
    )


def refuse_missing_list(image: EwfImage) -> None:
    """All chunks that follow would be shifted."""
    if image.tables and not image.tables[-1].count:
        last = image.tables[-1]
        reason = f"a list of chunks in segment {last.segment + 1} is damaged, and has no copy"
        raise FormatError("ewf", reason, offset=last.places[0])


def _read_hashes(image: EwfImage, kind: bytes, data: bytes) -> None:
    """MD5 from a hash section, MD5 and SHA-1 from a digest section; zeros stand for none."""
    size = 36 if kind == b"hash" else 80
    if len(data) < size or zlib.adler32(data[: size - 4]) != int.from_bytes(data[size - 4 : size], "little"):
        image.has_damaged_hash = True
        return
    if any(data[:16]):
        image.hashes["MD5"] = data[:16].hex()
    if kind == b"digest" and any(data[16:36]):
        image.hashes["SHA1"] = data[16:36].hex()


def _read_unread(image: EwfImage, source: ByteSource, start: int, stop: int) -> None:
    """A list of the sectors that the acquisition could not read."""
    header = source.read_at(start, c.ERROR_HEADER_SIZE)
    count = int.from_bytes(header[:4], "little")
    place = start + c.ERROR_HEADER_SIZE
    length = c.ERROR_ENTRY_SIZE * count
    if (
        len(header) < c.ERROR_HEADER_SIZE
        or zlib.adler32(header[:-4]) != int.from_bytes(header[-4:], "little")
        or place + length + c.CHECKSUM_SIZE > min(stop, source.size)
        or count > _MOST_UNREAD - len(image.unread)
    ):
        image.unread_damage = damaged_unread_list(start)
        return
    entries = source.read_at(place, length + c.CHECKSUM_SIZE)
    if zlib.adler32(entries[:length]) != int.from_bytes(entries[length:], "little"):
        image.unread_damage = damaged_unread_list(place)
        return
    image.unread += struct.iter_unpack("<II", entries[:length])
