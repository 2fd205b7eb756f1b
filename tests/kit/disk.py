"""Disks: volumes laid into MBR and GPT partition tables, and raw disks wrapped as VHD.

Layouts: UEFI specification 5.3 (GPT) and 5.2.3 (protective MBR), the customary MBR with its chain of extended boot
records, and the Virtual Hard Disk Image Format Specification 1.0. All writers work on any seekable binary file and
leave holes where a source has only zeros, so that sparse sources stay sparse.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

SECTOR = 512
BASIC_DATA = UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
EFI_SYSTEM = UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
MICROSOFT_RESERVED = UUID("E3C9E316-0B5C-4DB8-817D-F92DF00215AE")
RECOVERY = UUID("DE94BBA4-06D1-4D40-A16A-BFD50179D6AC")

DEFAULT_DISK = UUID("60036003-0000-4000-8000-000000000001")

Source = bytes | Path | BinaryIO


@dataclass(frozen=True, slots=True)
class Volume:
    """One partition: what it holds, and how the table describes it.

    `source` may be bytes, a file, or an open file; `size` (bytes) makes the partition longer than its content. `type`
    is the MBR type byte, `guid` the GPT type. `logical` puts it into the extended partition of an MBR.
    """

    source: Source
    type: int = 0x07
    guid: UUID = BASIC_DATA
    name: str = "Basic data partition"
    active: bool = False
    logical: bool = False
    size: int | None = None

    @property
    def length(self) -> int:
        """Bytes the partition takes, whole sectors."""
        return -(-max(self.size or 0, source_size(self.source)) // SECTOR) * SECTOR


def source_size(source: Source) -> int:
    """The length of a source in bytes."""
    if isinstance(source, bytes):
        return len(source)
    if isinstance(source, Path):
        return source.stat().st_size
    at = source.tell()
    try:
        return source.seek(0, io.SEEK_END)
    finally:
        source.seek(at)


def chunks(source: Source, size: int = 65536) -> Iterator[tuple[int, bytes]]:
    """The pieces of a source that hold anything but zeros, with their offsets."""
    zeros = bytes(size)
    if isinstance(source, bytes):
        stream: BinaryIO = io.BytesIO(source)
    else:
        stream = source.open("rb") if isinstance(source, Path) else source
    try:
        stream.seek(0)
        at = 0
        while piece := stream.read(size):
            if piece != zeros[: len(piece)]:
                yield at, piece
            at += len(piece)
    finally:
        if isinstance(source, Path):
            stream.close()


def _lay(out: BinaryIO, offset: int, source: Source) -> None:
    for at, piece in chunks(source):
        out.seek(offset + at)
        out.write(piece)


def _put(out: BinaryIO, sector: int, data: bytes) -> None:
    out.seek(sector * SECTOR)
    out.write(data)


def _extend(out: BinaryIO, sectors: int) -> None:
    """Make the file at least `sectors` long, with zeros (a hole, where the host can) at its end."""
    if out.seek(0, io.SEEK_END) < sectors * SECTOR:
        out.seek(sectors * SECTOR - 1)
        out.write(b"\0")


def write_mbr(
    out: BinaryIO,
    volumes: Sequence[Volume],
    *,
    signature: int = 0x6003_6003,
    align: int = 2048,
    extended_type: int = 0x0F,
    end_padding: int = 0,
) -> list[int]:
    """Write an MBR disk; the byte offset of each volume, in the order given.

    Up to four primary volumes, or three and any number of logical ones (each behind its own extended boot record,
    `align` sectors before it). `signature` is the disk signature; `end_padding` sectors follow the last volume.
    """
    primary = [(number, volume) for number, volume in enumerate(volumes) if not volume.logical]
    logical = [(number, volume) for number, volume in enumerate(volumes) if volume.logical]
    if len(primary) + bool(logical) > 4:
        raise ValueError("a primary table has four entries")
    offsets = [0] * len(volumes)
    table: list[bytes] = []
    at = align
    for number, volume in primary:
        offsets[number] = at
        table.append(_entry(volume.type, at, volume.length // SECTOR, active=volume.active))
        at = _round(at + volume.length // SECTOR, align)
    records: list[tuple[int, bytes]] = []
    if logical:
        first = at
        for number, volume in logical:
            offsets[number] = at + align
            at = _round(at + align + volume.length // SECTOR, align)
        for place, (number, volume) in enumerate(logical):
            entries = [_entry(volume.type, align, volume.length // SECTOR, active=volume.active)]
            for following, next_volume in logical[place + 1 : place + 2]:
                link = offsets[following] - align - first
                entries.append(_entry(0x05, link, align + next_volume.length // SECTOR))
            records.append((offsets[number] - align, _boot_record(entries)))
        end = max(offsets[number] + volume.length // SECTOR for number, volume in logical)
        table.append(_entry(extended_type, first, end - first))
    _put(out, 0, _boot_record(table, signature))
    for place, record in records:
        _put(out, place, record)
    for volume, offset in zip(volumes, offsets, strict=True):
        _lay(out, offset * SECTOR, volume.source)
    _extend(out, at + end_padding)
    return [offset * SECTOR for offset in offsets]


def _round(sector: int, align: int) -> int:
    return -(-sector // align) * align


def _entry(type_byte: int, start: int, sectors: int, *, active: bool = False) -> bytes:
    first, last = _chs(start), _chs(start + sectors - 1)
    return struct.pack("<B3sB3sII", 0x80 if active else 0, first, type_byte, last, start, sectors)


def _chs(sector: int) -> bytes:
    """Cylinder, head and sector with 255 heads and 63 sectors; the customary ceiling beyond them."""
    cylinder, rest = divmod(sector, 255 * 63)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    head, index = divmod(rest, 63)
    return bytes((head, (index + 1) | (cylinder >> 2 & 0xC0), cylinder & 0xFF))


def _boot_record(entries: Sequence[bytes], signature: int = 0) -> bytes:
    table = b"".join(entries).ljust(64, b"\0")
    return bytes(440) + struct.pack("<IH", signature, 0) + table + b"\x55\xaa"


def write_gpt(
    out: BinaryIO,
    volumes: Sequence[Volume],
    *,
    disk_guid: UUID = DEFAULT_DISK,
    align: int = 2048,
    skip_entries: int = 0,
    end_padding: int = 0,
) -> list[int]:
    """Write a GPT disk with a protective MBR and both headers; the byte offset of each volume.

    Partition GUIDs are the disk's with the entry's number in their last field. `skip_entries` leaves that many empty
    entries before the first; `end_padding` sectors lie between the last volume and the backup entries.
    """
    offsets: list[int] = []
    entries = [bytes(128)] * skip_entries
    at = max(align, 34)
    for number, volume in enumerate(volumes):
        offsets.append(at)
        end = at + volume.length // SECTOR
        unique = UUID(int=disk_guid.int + number + 1)
        name = volume.name.encode("utf-16-le")[:72].ljust(72, b"\0")
        entries.append(volume.guid.bytes_le + unique.bytes_le + struct.pack("<QQQ", at, end - 1, 0) + name)
        at = _round(end, align)
    total = at + end_padding + 33
    array = b"".join(entries).ljust(128 * 128, b"\0")
    protective = _entry(0xEE, 1, min(total - 1, 0xFFFFFFFF))
    _put(out, 0, _boot_record([protective]))
    _put(out, 1, _gpt_header(1, total - 1, 2, total, disk_guid, array))
    _put(out, 2, array)
    for volume, offset in zip(volumes, offsets, strict=True):
        _lay(out, offset * SECTOR, volume.source)
    _put(out, total - 33, array)
    _put(out, total - 1, _gpt_header(total - 1, 1, total - 33, total, disk_guid, array))
    _extend(out, total)
    return [offset * SECTOR for offset in offsets]


def _gpt_header(own: int, other: int, entries_at: int, total: int, disk: UUID, array: bytes) -> bytes:
    def header(crc: int) -> bytes:
        head = struct.pack("<8sIIIIQQQQ", b"EFI PART", 0x10000, 92, crc, 0, own, other, 34, total - 34)
        return head + disk.bytes_le + struct.pack("<QIII", entries_at, 128, 128, zlib.crc32(array))

    return header(zlib.crc32(header(0))).ljust(SECTOR, b"\0")
