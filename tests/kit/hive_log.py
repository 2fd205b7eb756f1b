"""Dirty hives with the transaction logs that mend them, in both formats.

The new format (`HvLE` entries, Windows 8.1 and later) and the old one (`DIRT` bitmap, up to Windows 8) follow the
public specification of the regf format (msuhanov/regf, "Format of transaction log files").
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from tests.kit.hive import checksum

MARVIN_SEED = 0x82EF4D887A4E55C5
PAGE = 4096
SECTOR = 512
_MASK = 0xFFFFFFFF


def _rotate(value: int, count: int) -> int:
    return ((value << count) | (value >> (32 - count))) & _MASK


def marvin32(data: bytes, seed: int = MARVIN_SEED) -> int:
    """The Marvin32 hash of `data` as the high and low word in one number (the logs store it little-endian)."""
    low, high = seed & _MASK, seed >> 32
    whole = len(data) & ~3
    words = list(struct.unpack_from(f"<{whole // 4}I", data))
    words.append(int.from_bytes(data[whole:] + b"\x80", "little"))
    words.append(0)
    for word in words:
        low = (low + word) & _MASK
        high ^= low
        low = (_rotate(low, 20) + high) & _MASK
        high = _rotate(high, 9) ^ low
        low = (_rotate(low, 27) + high) & _MASK
        high = _rotate(high, 19)
    return high << 32 | low


@dataclass(frozen=True, slots=True)
class Page:
    """Bytes that belong at `offset` of the hive bins; both multiples of 4096."""

    offset: int
    data: bytes


def log_entry(
    pages: list[Page], *, sequence: int, bins_size: int, flags: int = 0, bad_hash: Literal[0, 1, 2] = 0
) -> bytes:
    """One `HvLE` entry; `bad_hash` spoils the first or the second hash (the second is right for the spoilt first)."""
    references = b"".join(struct.pack("<II", page.offset, len(page.data)) for page in pages)
    body = references + b"".join(page.data for page in pages)
    size = -(-(40 + len(body)) // SECTOR) * SECTOR
    body = body.ljust(size - 40, b"\0")
    head = struct.pack("<4sIIIII", b"HvLE", size, flags, sequence, bins_size, len(pages))
    head += struct.pack("<Q", marvin32(body) ^ (1 if bad_hash == 1 else 0))
    return head + struct.pack("<Q", marvin32(head) ^ (1 if bad_hash == 2 else 0)) + body


def dirty_pages(old: bytes, new: bytes) -> list[Page]:
    """The pages of `new` that differ from `old`, neighbours joined."""
    pages: list[Page] = []
    for at in range(PAGE, len(new), PAGE):
        data = new[at : at + PAGE]
        if data == old[at : at + PAGE]:
            continue
        if pages and pages[-1].offset + len(pages[-1].data) == at - PAGE:
            pages[-1] = Page(pages[-1].offset, pages[-1].data + data)
        else:
            pages.append(Page(at - PAGE, data))
    return pages


def _log_base(
    head: bytes, *, sequence: int, file_type: int, bins_size: int | None = None, written: int | None = None
) -> bytearray:
    block = bytearray(head[:SECTOR])
    struct.pack_into("<II", block, 4, sequence, sequence)
    struct.pack_into("<I", block, 28, file_type)
    if bins_size is not None:
        struct.pack_into("<I", block, 40, bins_size)
    if written is not None:
        struct.pack_into("<Q", block, 12, written)
    struct.pack_into("<I", block, 508, checksum(block))
    return block


def _dirty_primary(old: bytes, sequence: int, *, broken: bool) -> bytes:
    """`old` with sequences `sequence` and one less; `broken` spoils the checksum besides."""
    primary = bytearray(old)
    struct.pack_into("<II", primary, 4, sequence & _MASK, (sequence - 1) & _MASK)
    struct.pack_into("<I", primary, 508, checksum(primary) ^ (0x5A5A5A5A if broken else 0))
    return bytes(primary)


def _bins_size(hive: bytes) -> int:
    return int.from_bytes(hive[40:44], "little")


def _shares(pages: list[Page], count: int) -> list[list[Page]]:
    """`pages` split, if need be inside a joined page, into `count` runs of about equal length."""
    single = [
        Page(page.offset + at, page.data[at : at + PAGE]) for page in pages for at in range(0, len(page.data), PAGE)
    ]
    if not single:
        raise ValueError("the two hives do not differ behind the base block")
    step = -(-len(single) // count)
    return [single[at : at + step] for at in range(0, len(single), step)]


def dirty_hive_new(
    old: bytes,
    new: bytes,
    *,
    entries: int = 2,
    sequence: int = 2,
    log_sequence: int | None = None,
    split: bool = False,
    swapped: bool = False,
    remnant: bool = False,
    bad_hash: Literal[0, 1, 2] = 0,
    bad_entry: int = -1,
    stale: bool = False,
    broken_base: bool = False,
) -> tuple[bytes, bytes, bytes]:
    """`old` as a dirty primary, and LOG1 and LOG2 (possibly empty) in the `HvLE` format whose replay gives `new`'s
    bins.

    `entries`: into how many entries the changed pages go (at most one a page); `sequence`: the primary's first
    sequence number; `log_sequence`: the first entry's (default `sequence`, a gap is normal in real files); `split`:
    the second half of the entries goes into LOG2, `swapped`: and LOG1 holds the later half; `remnant`: an entry of an
    older cycle with right hashes follows the last one and must not be applied; `bad_hash` 1 or 2 spoils that hash of
    entry `bad_entry`: replay stops there; `stale`: the logs' numbers lie before the primary's secondary number:
    nothing may be applied; `broken_base`: the primary's checksum is wrong. A `new` that is longer than `old` makes
    the entries grow the bins.
    """
    if _bins_size(new) < _bins_size(old):
        raise ValueError("a log cannot shrink the bins")
    first = sequence if log_sequence is None else log_sequence
    if stale:
        first = sequence - entries - 2
    shares = _shares(dirty_pages(old[: PAGE + _bins_size(old)], new[: PAGE + _bins_size(new)]), entries)
    written: list[bytes] = []
    reached = _bins_size(old)
    for number, share in enumerate(shares):
        reached = max(reached, share[-1].offset + PAGE)
        spoilt = bad_hash if number == bad_entry % len(shares) else 0
        size = _bins_size(new) if number == len(shares) - 1 else reached
        written.append(log_entry(share, sequence=(first + number) & _MASK, bins_size=size, bad_hash=spoilt))
    cut = -(-len(written) // 2) if split else len(written)
    tail = b""
    if remnant:
        page = Page(0, b"hbin" + b"\xee" * (PAGE - 4))
        tail = log_entry([page], sequence=(first - 5) & _MASK, bins_size=_bins_size(old))
    head = new if broken_base else old
    logs = [_new_log(head, written[:cut], first, b"" if split else tail)]
    logs.append(_new_log(head, written[cut:], (first + cut) & _MASK, tail) if split and written[cut:] else b"")
    if swapped:
        logs.reverse()
    return _dirty_primary(old, sequence, broken=broken_base), logs[0], logs[1]


def _new_log(head: bytes, entries: list[bytes], first: int, tail: bytes) -> bytes:
    data = bytes(_log_base(head, sequence=first, file_type=6)) + b"".join(entries) + tail
    return data.ljust(-(-len(data) // PAGE) * PAGE, b"\0")


def dirty_hive_old(
    old: bytes,
    new: bytes,
    *,
    sequence: int = 2,
    foreign_time: bool = False,
    bad_checksum: bool = False,
    signature: bytes = b"DIRT",
    file_type: Literal[1, 2] = 1,
    truncate: int = 0,
    broken_base: bool = False,
) -> tuple[bytes, bytes]:
    """`old` as a dirty primary, and a log in the `DIRT` format whose replay gives `new`'s bins and base block.

    None of these logs may be applied: `foreign_time` (the log's time stamp is not the primary's), `bad_checksum` (of
    the log's base block), `signature` other than `DIRT` (`b"INVL"` is written by Windows), `truncate` (that many
    bytes are missing at its end).
    """
    size = _bins_size(new)
    if size < _bins_size(old):
        raise ValueError("a log cannot shrink the bins")
    before, after = old[PAGE : PAGE + _bins_size(old)], new[PAGE : PAGE + size]
    bitmap = bytearray(size // SECTOR // 8)
    sectors: list[bytes] = []
    for number in range(size // SECTOR):
        sector = after[number * SECTOR : (number + 1) * SECTOR]
        if sector != before[number * SECTOR : (number + 1) * SECTOR]:
            bitmap[number // 8] |= 1 << number % 8
            sectors.append(sector)
    stamp = int.from_bytes(old[12:20], "little")
    written = stamp + 10_000_000 * 3600 if foreign_time else stamp
    head = _log_base(new, sequence=sequence, file_type=file_type, bins_size=size, written=written)
    if bad_checksum:
        head[508] ^= 0x5A
    log = bytes(head) + signature + bytes(bitmap)
    log = log.ljust(-(-len(log) // SECTOR) * SECTOR, b"\0") + b"".join(sectors)
    return _dirty_primary(old, sequence, broken=broken_base), log[: len(log) - truncate]
