"""What `scripts/fuzz.py` does to inputs: mutations that know nothing of formats, and repairs of their checksums.

All randomness comes from the generator that is passed in, so that an input can be made again from its number.
"""

from __future__ import annotations

import hashlib
import random
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from buildlab.readers.hive_log import marvin32  # noqa: E402
from buildlab.sources.disks.crc32c import crc32c  # noqa: E402
from tests.kit.hive import checksum as hive_checksum  # noqa: E402
from tests.kit.vhd import vhd_checksum  # noqa: E402

Case = dict[str, bytes]
"""The files of one input by name; the first is the target, the others lie beside it."""
Repair = Callable[[bytearray, bytes], None]
"""Makes the checksums of a mutated file right again; the second argument is the file as it was."""

_SECTOR = 512
_EDGES = (0, 1, 2, 3, 7, 8, 255, 256, 511, 512, 513, 4095, 4096, 65535, 65536, 1 << 20, 1 << 24, 1 << 30)
_COUNTS = (1, 1, 1, 2, 3, 5, 12, 40)
_WORDS = (
    b"9" * 5000, b"-1", b"", b"0", b"4294967296", b"18446744073709551616", b"1e9", b"0x10", b" 6 ", b"&#0;", b"&lt;",
    b"\xef\xbf\xbf", b"\xed\xa0\x80", b"\xff\xfe", b"\0", "\u0663\u00b2".encode(), b"..\\..\\x", b"A" * 70_000,
    b"KB" + b"1" * 40, b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<a xmlns='b'>" * 300, b"~", b"~~~~", b"]]>",
)  # fmt: skip


def mutate(case: Case, others: Sequence[Case], numbers: random.Random, *, is_text: bool = False) -> Case:
    """A copy of `case` with one of its files changed in some places; `others` are for splicing."""
    name = numbers.choice([next(iter(case)), next(iter(case)), *case])
    data = bytearray(case[name])
    if numbers.random() < 0.04:
        data = _splice(data, bytearray(next(iter(numbers.choice(others).values()))), numbers)
    sectors = busy_sectors(case[name])
    for _ in range(numbers.choice(_COUNTS[: 5 if is_text else None])):
        if is_text and numbers.random() < 0.6:
            _change_text(data, numbers)
        elif data:
            numbers.choice(_CHANGES)(data, _place(data, sectors, numbers), numbers)
    if numbers.random() < 0.08:
        del data[numbers.choice((numbers.randrange(len(data) + 1), _place(data, sectors, numbers) if data else 0)) :]
    elif numbers.random() < 0.02:
        data += numbers.randbytes(numbers.choice((1, 511, 512, 5000)))
    return {**case, name: bytes(data)}


_sectors: dict[int, tuple[bytes, list[int]]] = {}


def busy_sectors(seed: bytes) -> list[int]:
    """Offsets of the sectors with some zeros among other bytes, as structures have and packed content has not.

    Kept for each object that was asked for, with the object, as seeds are few and asked for again and again.
    """
    if id(seed) not in _sectors:
        found: list[int] = []
        for start in range(0, len(seed), _SECTOR):
            zeros = seed.count(0, start, start + _SECTOR)
            if min(_SECTOR, len(seed) - start) // 8 <= zeros <= _SECTOR - 4:
                found.append(start)
        _sectors[id(seed)] = seed, found
    return _sectors[id(seed)][1]


def _place(data: bytearray, sectors: Sequence[int], numbers: random.Random) -> int:
    """An offset in `data`: mostly where structures are, at its start, or at its end."""
    kind = numbers.random()
    if kind < 0.55 and sectors:
        place = numbers.choice(sectors) + numbers.randrange(_SECTOR)
    elif kind < 0.8:
        place = numbers.randrange(numbers.choice((64, 600, 4096)))
    elif kind < 0.9:
        place = len(data) - 1 - numbers.randrange(numbers.choice((64, 600, 4096)))
    else:
        place = numbers.randrange(len(data))
    return min(max(place, 0), len(data) - 1)


def _flip_bit(data: bytearray, place: int, numbers: random.Random) -> None:
    data[place] ^= 1 << numbers.randrange(8)


def _set_byte(data: bytearray, place: int, numbers: random.Random) -> None:
    data[place] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF, numbers.randrange(256)))


def _set_integer(data: bytearray, place: int, numbers: random.Random) -> None:
    """An aligned integer becomes a boundary, a neighbour of what it was, or what another place holds."""
    width = numbers.choice((2, 4, 4, 8))
    order = numbers.choice(("little", "little", "big"))
    place -= place % numbers.choice((width, width, 2))
    if place + width > len(data):
        return
    old = int.from_bytes(data[place : place + width], order)  # type: ignore[arg-type]
    top = 1 << 8 * width
    other = numbers.randrange(0, max(1, len(data) - width), 2)
    new = numbers.choice(
        (
            numbers.choice(_EDGES),
            top - 1 - numbers.choice((0, 0, 1, 7, 511, 4095)),
            top // 2 - numbers.choice((0, 1)),
            old + numbers.choice((-1, 1, 8, -8, 512, 4096)),
            old * numbers.choice((2, 16, 512)),
            old ^ 1 << numbers.randrange(8 * width),
            len(data) // numbers.choice((1, 1, 512, 4096)) - numbers.choice((0, 0, 1, 16)),
            1 << numbers.randrange(8 * width),
            int.from_bytes(data[other : other + width], order),  # type: ignore[arg-type]
        )
    )
    data[place : place + width] = (new % top).to_bytes(width, order)  # type: ignore[arg-type]


def _run(data: bytearray, place: int, numbers: random.Random) -> tuple[int, int]:
    size = numbers.choice((4, 8, 16, 32, 64, 512, 1024, 4096))
    place -= place % numbers.choice((1, 4, 8, size))
    return place, min(size, len(data) - place)


def _zero_run(data: bytearray, place: int, numbers: random.Random) -> None:
    start, size = _run(data, place, numbers)
    data[start : start + size] = bytes((numbers.choice((0, 0, 0xFF)),)) * size


def _copy_run(data: bytearray, place: int, numbers: random.Random) -> None:
    start, size = _run(data, place, numbers)
    other = numbers.randrange(len(data) - size + 1)
    other -= other % numbers.choice((1, 4, 8, size))
    data[start : start + size] = data[other : other + size]


def _swap_runs(data: bytearray, place: int, numbers: random.Random) -> None:
    start, size = _run(data, place, numbers)
    other = numbers.randrange(len(data) - size + 1)
    data[start : start + size], data[other : other + size] = data[other : other + size], data[start : start + size]


def _remove_or_insert(data: bytearray, place: int, numbers: random.Random) -> None:
    size = numbers.choice((1, 2, 4, 16))
    if numbers.random() < 0.5:
        data[place:place] = numbers.randbytes(size)
    else:
        del data[place : place + size]
    if not data:
        data += b"\0"


_CHANGES = (
    *(_flip_bit, _set_byte, _set_byte, _set_integer, _set_integer, _set_integer, _set_integer),
    *(_zero_run, _copy_run, _swap_runs, _remove_or_insert),
)


def _splice(data: bytearray, other: bytearray, numbers: random.Random) -> bytearray:
    """The head of one and the tail of another; half the time cut at the same offset."""
    if not data or not other:
        return data
    cut = numbers.randrange(min(len(data), len(other)))
    return data[:cut] + other[cut if numbers.random() < 0.5 else numbers.randrange(len(other)) :]


def _change_text(data: bytearray, numbers: random.Random) -> None:
    """Replace, repeat or drop what stands between two delimiters."""
    places = [place for place, byte in enumerate(data) if byte in b'"<>=\n'][:5000]
    if len(places) < 2:
        data += numbers.choice(_WORDS)
        return
    first = numbers.randrange(len(places) - 1)
    start, end = places[first] + 1, places[min(len(places) - 1, first + numbers.choice((1, 1, 1, 2, 7)))]
    kind = numbers.randrange(4)
    if kind == 0:
        data[start:end] = numbers.choice(_WORDS)
    elif kind == 1:
        data[end:end] = data[start:end] * numbers.choice((1, 2, 50))
    elif kind == 2:
        del data[start:end]
    else:
        data[start:start] = numbers.choice(_WORDS)


def repair_vhd(data: bytearray, _: bytes) -> None:
    """The footer, its copy at the start, and the header of a dynamic disk."""
    for place in (0, len(data) - 512):
        if 0 <= place <= len(data) - 512 and data[place : place + 8] == b"conectix":
            _sum_vhd(data, place, 512, 64)
            (header,) = struct.unpack_from(">Q", data, place + 16)
            if header + 1024 <= len(data):
                _sum_vhd(data, header, 1024, 36)


def _sum_vhd(data: bytearray, place: int, size: int, at: int) -> None:
    data[place + at : place + at + 4] = bytes(4)
    struct.pack_into(">I", data, place + at, vhd_checksum(bytes(data[place : place + size])))


def repair_vhdx(data: bytearray, seed: bytes) -> None:
    """Headers, region tables and log entries, each only where it was changed, as the sum takes its time."""
    places = [(place, 4096) for place in (0x10000, 0x20000)] + [(place, 65536) for place in (0x30000, 0x40000)]
    for place in range(1 << 20, min(len(data), 2 << 20), 4096):
        if data[place : place + 4] == b"loge":
            places.append((place, min(int.from_bytes(data[place + 8 : place + 12], "little"), 1 << 18)))
    for place, size in places:
        if 64 <= size <= len(data) - place and data[place : place + size] != seed[place : place + size]:
            data[place + 4 : place + 8] = bytes(4)
            struct.pack_into("<I", data, place + 4, crc32c(bytes(data[place : place + size])))


def repair_gpt(data: bytearray, _: bytes) -> None:
    """Both headers and the sums of their entries; the place and number of entries are those that a header states."""
    for place in (512, len(data) - 512):
        if not 512 <= place <= len(data) - 512 or data[place : place + 8] != b"EFI PART":
            continue
        size, (entries, count, width) = (
            int.from_bytes(data[place + 12 : place + 16], "little"),
            struct.unpack_from("<QII", data, place + 72),
        )
        end = entries * _SECTOR + count * width
        if end <= len(data):
            struct.pack_into("<I", data, place + 88, zlib.crc32(data[entries * _SECTOR : end]))
        if 92 <= size <= 512:
            data[place + 16 : place + 20] = bytes(4)
            struct.pack_into("<I", data, place + 16, zlib.crc32(data[place : place + size]))


def repair_ewf(data: bytearray, seed: bytes) -> None:
    """The Adler-32 of section descriptors, and of the sections that are sums over structures, where there was one."""
    for place in _ewf_sections(seed):
        _sum_ewf(data, seed, place, place + 72)
        kind, end = (
            seed[place : place + 16].rstrip(b"\0"),
            place + int.from_bytes(seed[place + 24 : place + 32], "little"),
        )
        if kind in (b"volume", b"disk", b"data", b"hash", b"digest"):
            _sum_ewf(data, seed, place + 76, end - 4)
        elif kind in (b"table", b"table2"):
            _sum_ewf(data, seed, place + 76, place + 96)
            entries = int.from_bytes(seed[place + 76 : place + 80], "little")
            _sum_ewf(data, seed, place + 100, place + 100 + 4 * entries)


def repair_ewf2(data: bytearray, seed: bytes) -> None:
    """The same of version 2, whose sections are told by descriptors behind them, from the end on."""
    place, seen = len(seed) - 64, 0
    while place >= 32 and seen < 1000:
        kind, _, previous, size = struct.unpack_from("<IIQQ", seed, place)
        start = place - size
        if kind in (4, 5):
            entries = int.from_bytes(seed[start + (8 if kind == 4 else 0) :][:4], "little")
            _sum_ewf(data, seed, start, start + 16)
            _sum_ewf(data, seed, start + 32, start + 32 + 16 * entries)
        elif kind in (8, 9):
            _sum_ewf(data, seed, start, start + (16 if kind == 8 else 20))
        _sum_ewf(data, seed, place, place + 60)
        place, seen = previous, seen + 1


def _sum_ewf(data: bytearray, seed: bytes, start: int, end: int) -> None:
    if start < end <= len(data) - 4 and zlib.adler32(seed[start:end]).to_bytes(4, "little") == seed[end : end + 4]:
        struct.pack_into("<I", data, end, zlib.adler32(data[start:end]))


def _ewf_sections(data: bytes) -> Iterator[int]:
    place, seen = 13, 0
    while place + 76 <= len(data) and seen < 1000:
        yield place
        following = int.from_bytes(data[place + 16 : place + 24], "little")
        if following <= place:
            return
        place, seen = following, seen + 1


def repair_hive(data: bytearray, seed: bytes) -> None:
    """The sum of the base block if it was right, and in a log of the newer format both hashes of each entry."""
    if len(data) < 512 or data[:4] != b"regf":
        return
    if hive_checksum(seed).to_bytes(4, "little") == seed[508:512]:
        struct.pack_into("<I", data, 508, hive_checksum(data))
    place = 512
    while place + 40 <= len(data) and data[place : place + 4] == b"HvLE":
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if not 40 <= size <= len(data) - place:
            return
        struct.pack_into("<Q", data, place + 24, marvin32(data[place + 40 : place + size]))
        struct.pack_into("<Q", data, place + 32, marvin32(data[place : place + 32]))
        place += size


def repair_wim(data: bytearray, _: bytes) -> None:
    """The SHA-1 of the metadata of images, where it is stored as it is; it is what a reader trusts before it parses."""
    if len(data) < 208:
        return
    size, place = _wim_resource(data, 48)
    for entry in range(place, min(place + size, len(data) - 49), 50):
        stored, start = _wim_resource(data, entry)
        if data[entry + 7] & 0x16 == 2 and start + stored <= len(data):
            data[entry + 30 : entry + 50] = hashlib.sha1(data[start : start + stored]).digest()


def _wim_resource(data: bytearray, place: int) -> tuple[int, int]:
    """Stored size and offset in a resource header."""
    return int.from_bytes(data[place : place + 7], "little"), int.from_bytes(data[place + 8 : place + 16], "little")


def mend(case: Case, seed: Mapping[str, bytes], repair: Repair) -> Case:
    """`case` with the checksums of all files that differ from `seed` made right."""
    mended: Case = {}
    for name, data in case.items():
        if data != seed.get(name):
            changed = bytearray(data)
            repair(changed, seed.get(name, b""))
            data = bytes(changed)
        mended[name] = data
    return mended
