"""Deltas and old files that are cut, damaged or made up: only our errors, quickly, in memory that is bounded."""

import random
import struct
import time
import tracemalloc
from contextlib import suppress

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.codecs import compiled_codecs
from buildlab.readers.delta import apply_delta
from buildlab.readers.delta_header import read_delta_header
from buildlab.readers.delta_patch import apply_patch
from buildlab.readers.delta_pe import transform_base
from buildlab.readers.delta_rift import Rift
from tests.kit.delta import AMD64, I386, DeltaBits, PatchBits, preprocess_data, write_delta
from tests.kit.pe import AMD64 as MACHINE_AMD64
from tests.kit.pe import I386 as MACHINE_I386
from tests.kit.pe import write_pe
from tests.readers.test_delta import VECTORS

OLD = b"version 1 of a file that has some length\r\n" * 20
NEW = OLD.replace(b"1", b"2") + b"more"
PLACES = [(0, 0), (0x1000, 0x200), (0x2000, 0x400), (0x3000, 0x800)]
MOVES = [(0, 0), (0x1000, 0x1010), (0x2000, 0x2100), (0x3000, 0x3040)]
FAST = 2.0 if compiled_codecs()["delta"] else 30.0


def pe_delta(machine: int = MACHINE_AMD64) -> tuple[bytes, bytes]:
    base = write_pe(machine=machine, padding=700)
    preprocess = preprocess_data(image_base=0x500000, link_time=7, sections=PLACES, addresses=MOVES)
    flags, kind = (0xE63E, AMD64) if machine == MACHINE_AMD64 else (0xE1FE, I386)
    patch = PatchBits().rift_copy(0x180).literal(7).near_copy(-3, 40).bytes()
    delta = write_delta(
        base, bytes(0x180 + 41), algorithm=0, file_type=kind, flags=flags, preprocess=preprocess, patch=patch
    )
    assert len(apply_delta(delta, base)) == 0x180 + 41
    return delta, base


def only_our_errors(delta: bytes, base: bytes) -> bool:
    """Whether something was made."""
    try:
        apply_delta(delta, base, Limits(delta_bytes=1 << 20))
    except BuildlabError:
        return False
    return True


@pytest.mark.parametrize(
    ("delta", "base"),
    [(bytes.fromhex(delta), base) for delta, base, _ in VECTORS] + [(write_delta(OLD, NEW), OLD), pe_delta()],
)
def test_every_cut(delta: bytes, base: bytes) -> None:
    for length in range(len(delta)):
        with pytest.raises(BuildlabError):
            apply_delta(delta[:length], base)
        try:
            read_delta_header(MemoryBytes(delta[:length]))
        except BuildlabError:
            continue


@pytest.mark.parametrize("magic", [b"PA30", b"PA31"])
def test_damaged_bytes(magic: bytes) -> None:
    delta = write_delta(OLD, NEW, magic=magic)
    choose = random.Random(5)
    started = time.process_time()
    for _ in range(1500):
        damaged = bytearray(delta)
        for _ in range(choose.choice((1, 1, 2, 5))):
            damaged[choose.randrange(4, len(damaged))] = choose.randrange(256)
        only_our_errors(bytes(damaged), OLD)
    assert time.process_time() - started < FAST


@pytest.mark.parametrize("machine", [MACHINE_AMD64, MACHINE_I386])
def test_damaged_deltas_of_pe_files(machine: int) -> None:
    delta, base = pe_delta(machine)
    choose = random.Random(6)
    made = 0
    for _ in range(600):
        damaged = bytearray(delta)
        damaged[choose.randrange(12, len(damaged))] ^= 1 << choose.randrange(8)
        made += only_our_errors(bytes(damaged), base)
    assert made > 10


@pytest.mark.parametrize("machine", [MACHINE_AMD64, MACHINE_I386])
def test_damaged_pe_files(machine: int) -> None:
    """Their directories lead into random bytes too."""
    delta, base = pe_delta(machine)
    choose = random.Random(7)
    directories = 64 + 24 + (112 if machine == MACHINE_AMD64 else 96)
    made = 0
    for _ in range(800):
        damaged = bytearray(base)
        for number in range(6):
            place = choose.choice((0x1000, 0x2000, 0x2010, 0x3000, choose.randrange(0x4000)))
            size = choose.choice((8, 100, 0x1000, 0xFFFFFFFF))
            struct.pack_into("<II", damaged, directories + 8 * number, place, size)
        for _ in range(40):
            damaged[choose.randrange(0x180, len(damaged))] = choose.choice((0, 1, 0x10, 0x20, 0x80, 0xE8, 0xFF))
        for _ in range(choose.randrange(3)):
            damaged[choose.randrange(len(damaged))] = choose.randrange(256)
        made += only_our_errors(delta, bytes(damaged))
    assert made > 100


def test_cut_pe_files() -> None:
    delta, base = pe_delta()
    made = sum(only_our_errors(delta, base[:length]) for length in range(0, len(base), 3))
    assert made > 0


def test_a_size_that_is_only_stated_takes_no_memory() -> None:
    delta = write_delta(b"", b"abc", size=DEFAULT_LIMITS.delta_bytes, algorithm=0)
    tracemalloc.start()
    with pytest.raises(FormatError):
        apply_delta(delta, b"")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    with pytest.raises(LimitExceededError):
        apply_delta(write_delta(b"", b"abc", size=(1 << 63) - 1), b"")


def test_a_copy_that_passes_the_end() -> None:
    patch = PatchBits().literal(1).copy(1, 1 << 30).bytes()
    with pytest.raises(FormatError, match="passes the end"):
        apply_delta(write_delta(b"", bytes(100), patch=patch), b"")


@pytest.mark.parametrize(
    "patch",
    [
        PatchBits().recent_copy(0, 4),
        PatchBits().copy(5, 4),
        PatchBits().near_copy(-4, 4),
        PatchBits().near_copy(1, 4),
        PatchBits([(5, 9)]).rift_copy(4),
        PatchBits([(5, -9)]).rift_copy(4),
    ],
)
def test_copies_from_outside_of_the_files(patch: PatchBits) -> None:
    with pytest.raises(FormatError, match="outside"):
        apply_patch(b"1234", patch.bytes(), 4, Rift(), DEFAULT_LIMITS)


def blocks(count: int, *steps: int) -> DeltaBits:
    bits = DeltaBits().put(0, 1).put(0, 1).number(count)
    for step in steps:
        bits.number(step)
    return bits


def test_codes_that_cannot_be() -> None:
    bad = [
        blocks(0),
        blocks(-1),
        blocks(1, -1),
        blocks(1, 5).put(0, 200),
        blocks(1, 0).put(0, 4 * 39).put(0, 50),
    ]
    # A code of two symbols: 0 (a length of 0) and one that repeats, or copies, or takes away.
    for symbol in (20, 23, 30, 38):
        bits = blocks(1, 0)
        for number in range(39):
            bits.put(1 if number in (0, symbol) else 0, 4)
        bad.append(bits.put((1 << 800) - 1, 800))
        empty = blocks(1, 0)
        for number in range(39):
            empty.put(1 if number in (0, symbol) else 0, 4)
        bad.append(empty.put(0, 900))
    for bits in bad:
        with pytest.raises(FormatError):
            apply_patch(b"", bits.bytes(), 4, Rift(), DEFAULT_LIMITS)
    with pytest.raises(LimitExceededError):
        apply_patch(b"", blocks(5000).bytes(), 4, Rift(), DEFAULT_LIMITS)


def test_a_file_with_much_to_go_through_takes_its_time_once() -> None:
    """64 sections, imports and exports over the whole file, and rifts with many entries."""
    base = bytearray(write_pe(machine=MACHINE_AMD64, padding=300_000))
    for number, place in ((0, 0x2000), (1, 0x2000), (2, 0x2000), (3, 0x2000), (5, 0x2000)):
        struct.pack_into("<II", base, 64 + 24 + 112 + 8 * number, place, 0x40000)
    base[0x400 : 0x400 + 0x30000] = struct.pack("<I", 0x2008) * 0xC000
    moves = [(7 * number, 7 * number + number % 5) for number in range(1500)]
    preprocess = preprocess_data(image_base=0x500000, sections=PLACES, addresses=moves)
    started = time.process_time()
    with suppress(BuildlabError):
        transform_base(bytes(base), preprocess, 0xFFFF, DEFAULT_LIMITS)
    assert time.process_time() - started < 3 * FAST
