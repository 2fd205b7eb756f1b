"""Deltas applied: vectors, what the kit writes, and what is refused."""

import random

import pytest

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.codecs.delta_bits import BitReader, code_table
from buildlab.readers.delta import DeltaMismatchError, apply_delta
from tests.kit.delta import (
    AMD64,
    E8,
    I386,
    SHA1,
    SHA256,
    DeltaBits,
    PatchBits,
    make_patch,
    preprocess_data,
    write_delta,
)
from tests.kit.pe import write_pe

VECTORS = [
    ("50413330000000000000000018030200480d01010f56a72edd6b7902", b"", b"abcabcabc!"),
    (
        "50413330000000000000000018030200c8c6014021006cd3556deb0da54bca060b4c39479839010fb18b90ba01204f",
        b"Hello world",
        b"Hello, world!",
    ),
    ("50413330000000000000000018030200086122040111d6c20c8024167b02", b"", b"x" * 301 + b"yyy"),
    ("50413330000000000000000018030200881421000109f6c5c000", bytes(range(64)), bytes(range(4, 24))),
]
"""Made to the notes on the format by another program: distances, the rift, long lengths, the aligned code."""
NUMBERS = [
    (0, "08"),
    (1, "18"),
    (15, "f8"),
    (16, "1302"),
    (255, "f31f"),
    (256, "264000"),
    (131072, "84000002"),
    (-1, "0500fcffffffffffffff07"),
]


@pytest.mark.parametrize(("delta", "base", "target"), VECTORS)
def test_vectors(delta: str, base: bytes, target: bytes) -> None:
    assert apply_delta(bytes.fromhex(delta), base) == target


def test_the_kit_writes_what_the_vectors_have() -> None:
    patch = PatchBits().literal(ord("a")).literal(ord("b")).literal(ord("c"))
    made = write_delta(b"", b"abcabcabc!", algorithm=0, file_time=0, patch=patch.copy(3, 6).literal(ord("!")).bytes())
    assert made.hex() == VECTORS[0][0]
    near = PatchBits().rift_copy(5).literal(ord(",")).near_copy(1, 6).literal(ord("!")).bytes()
    assert write_delta(b"Hello world", b"Hello, world!", file_time=0, patch=near).hex() == VECTORS[1][0]
    far = PatchBits().literal(ord("x")).copy(1, 300).literal(ord("y")).recent_copy(0, 2).bytes()
    assert write_delta(b"", b"x" * 301 + b"yyy", algorithm=0, file_time=0, patch=far).hex() == VECTORS[2][0]


@pytest.mark.parametrize(("value", "data"), NUMBERS)
def test_numbers(value: int, data: str) -> None:
    assert BitReader(bytes.fromhex(data)).number() == value
    assert DeltaBits().number(value).bytes().hex() == data


def test_codes_have_the_longest_first() -> None:
    """Lengths 1, 2, 3, 3 give the codes 1, 01, 000, 001; the table is asked with the bits in reversed order."""
    assert [entry >> 5 for entry in code_table(bytes([1, 2, 3, 3]))] == [2, 0, 1, 0, 3, 0, 1, 0]
    assert list(code_table(bytes(16))) == [0]
    for lengths in ([1, 1, 1], [1, 2], [2, 2, 2], [17, 17], [1]):
        with pytest.raises(FormatError):
            code_table(bytes(lengths))


@pytest.mark.parametrize("magic", [b"PA30", b"PA31"])
@pytest.mark.parametrize("seed", range(8))
def test_what_the_kit_packs(seed: int, magic: bytes) -> None:
    choose = random.Random(seed)
    base = bytes(choose.choices(b"abcd ", k=choose.randrange(0, 3000)))
    changed = bytearray(base)
    for _ in range(5):
        place = choose.randrange(len(changed) + 1)
        changed[place:place] = choose.randbytes(choose.randrange(60))
    target = bytes(changed) + b"z" * choose.randrange(900)
    for algorithm in (0, SHA1, SHA256):
        assert apply_delta(write_delta(base, target, algorithm=algorithm, magic=magic), base) == target


def test_nothing_makes_nothing() -> None:
    assert apply_delta(write_delta(b"", b""), b"") == b""
    assert apply_delta(write_delta(b"base", b""), b"base") == b""
    with pytest.raises(FormatError, match="no patch"):
        apply_delta(write_delta(b"", b"", size=3), b"")


def test_a_copy_repeats_itself_and_crosses_from_the_old_file_into_the_new_one() -> None:
    patch = PatchBits().copy(2, 7).copy(9, 4).recent_copy(1, 3).bytes()
    target = b"yzyzyzy" + b"yzyz" + b"yzy"
    made = apply_delta(write_delta(b"wxyz", target, patch=patch), b"wxyz")
    assert made == target


def test_a_rift_copy_looks_the_rift_up_at_each_of_its_entries() -> None:
    """The rift of the patch says: from new position 0 on take old position 4, from 3 on old position 0."""
    base = b"0123456789"
    patch = PatchBits([(10, 4), (13, 0)]).rift_copy(3).rift_copy(2).bytes()
    # The entry that every delta has, new position 0 to old position 0, stands behind an entry with the same source.
    assert apply_delta(write_delta(base, b"01201", patch=patch), base) == b"01201"
    patch = PatchBits([(12, 6), (14, 1)]).rift_copy(6).bytes()
    assert apply_delta(write_delta(base, b"016712", patch=patch), base) == b"016712"


FAR = [0, 1, -1, 0x1FFF, 0x2000, -0x2000, -0x2001, 0x9FFF, 0xA000, -0xA000, -0xA001, 0x29FFF, -0x2A000]


@pytest.mark.parametrize("away", FAR)
def test_copies_from_near_where_the_rift_points(away: int) -> None:
    """The rift of the patch leads from the new file's start to the middle of the old one."""
    base = random.Random(1).randbytes(0x60000)
    middle = 0x30000
    patch = PatchBits([(0, 0), (len(base) + 1, middle)]).literal(0).near_copy(away, 9).bytes()
    target = b"\0" + base[middle - away : middle - away + 9]
    assert apply_delta(write_delta(base, target, patch=patch), base) == target


@pytest.mark.parametrize("bits", range(2, 23))
def test_distances_of_every_size(bits: int) -> None:
    base = random.Random(2).randbytes(1 << 22)
    for distance in {1 << bits - 1, (1 << bits) - 1, 3 << bits - 2}:
        patch = PatchBits().copy(distance, 5).bytes()
        target = (base[-distance:] * 5)[:5]
        assert apply_delta(write_delta(base, target, patch=patch), base) == target


def test_calls_are_made_relative_again() -> None:
    """A call at 16 whose absolute target is 40 has the relative target 24; in the last ten bytes nothing changes."""
    absolute = bytes(16) + b"\xe8" + (40).to_bytes(4, "little") + bytes(40) + b"\xe8" + bytes(9)
    relative = absolute[:17] + (24).to_bytes(4, "little") + absolute[21:]
    patch = make_patch(b"", absolute)
    assert apply_delta(write_delta(b"", relative, flags=E8, patch=patch), b"") == relative
    assert apply_delta(write_delta(b"", relative, flags=0x20000, patch=make_patch(b"", relative)), b"") == relative


def test_calls_stay_where_only_so_the_hash_fits() -> None:
    absolute = bytes(16) + b"\xe8" + (40).to_bytes(4, "little") + bytes(40)
    assert apply_delta(write_delta(b"", absolute, flags=E8), b"") == absolute


def test_a_wrong_base_is_found_out_by_the_hash() -> None:
    base = b"the quick brown fox jumps over the lazy dog" * 4
    delta = write_delta(base, base[5:] + b"!")
    with pytest.raises(DeltaMismatchError, match="md5"):
        apply_delta(delta, base.upper())
    # Without a hash nothing tells.
    assert apply_delta(write_delta(base, base[5:] + b"!", algorithm=0), base.upper()) != base[5:] + b"!"


def test_a_size_that_is_not_expected_is_refused_before_anything_is_made() -> None:
    with pytest.raises(FormatError, match="makes 3 bytes where 4 are expected"):
        apply_delta(write_delta(b"", b"abc"), b"", expected_size=4)
    assert apply_delta(write_delta(b"", b"abc"), b"", expected_size=3) == b"abc"


def test_the_size_is_bounded() -> None:
    with pytest.raises(LimitExceededError, match="2147483648 bytes"):
        apply_delta(write_delta(b"", b"abc", size=1 << 31), b"")
    with pytest.raises(LimitExceededError):
        apply_delta(write_delta(b"", b"abc"), b"base", Limits(delta_bytes=3))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"file_type": 0x4}, "IA-64"),
        ({"file_type": 0x40}, "ARM code"),
        ({"file_type": 0x80}, "ARM64"),
        ({"file_type": 0x3}, "file type 0x3"),
        ({"file_type": I386, "flags": 0x800000}, "transforms 0x800000"),
        ({"file_type": I386, "preprocess": preprocess_data(managed=True)}, "managed code"),
        ({"file_type_set": 0x101}, "reverse"),
        ({"patch": bytes.fromhex("0a51e5c000000000")}, "LZMS"),
        ({"algorithm": 0x8009, "digest": b"12345"}, "algorithm 0x8009"),
    ],
)
def test_what_is_not_supported_is_named(changes: dict[str, int | bytes], reason: str) -> None:
    base = write_pe()
    with pytest.raises(UnsupportedContentError, match=reason):
        apply_delta(write_delta(base, b"x", **changes), base)  # type: ignore[arg-type]


def test_a_pe_delta_needs_a_pe_file() -> None:
    delta = write_delta(b"text", b"text", file_type=AMD64, preprocess=preprocess_data())
    with pytest.raises(FormatError, match="no PE file"):
        apply_delta(delta, b"text")


def test_a_pe_delta_without_anything_to_move() -> None:
    """Only checksum, time and image base change: the patch sees them as the new file has them."""
    base = write_pe(timestamp=0x11111111)
    target = write_pe(timestamp=0x22222222)
    places = [(0, 0), (0x1000, 0x200), (0x2000, 0x400)]
    preprocess = preprocess_data(image_base=0x140000000, link_time=0x22222222, sections=places)
    patch = PatchBits().rift_copy(len(target)).bytes()
    delta = write_delta(base, target, file_type=AMD64, flags=0xE63E, preprocess=preprocess, patch=patch)
    assert base != target
    assert apply_delta(delta, base) == target
