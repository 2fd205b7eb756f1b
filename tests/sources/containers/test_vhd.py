"""VHD files: by the kit, by qemu-img, and damaged."""

import random
import struct
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, MissingParentError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.container import Probe
from buildlab.sources.containers.vhd import VHD
from tests.conftest import FindTool
from tests.kit.vhd import DEFAULT_ID, vhd_bytes, vhd_checksum, vhd_footer

BLOCK = 4096


def disk_content(size: int, seed: int = 1) -> bytes:
    """Random stretches with holes between them."""
    numbers = random.Random(seed)
    data = bytearray(size)
    for _ in range(12):
        start = numbers.randrange(size)
        piece = numbers.randbytes(min(numbers.randrange(1, size // 8), size - start))
        data[start : start + len(piece)] = piece
    data[:4], data[-4:] = b"head", b"tail"
    return bytes(data)


RAW = disk_content(40 * BLOCK + 3 * 512)


def opened(data: bytes, limits: Limits = DEFAULT_LIMITS) -> ByteSource:
    probe = Probe(Path("disk.vhd"), MemoryBytes(data))
    assert VHD.probe(probe)
    assert VHD.open is not None
    disk = VHD.open(probe, limits).disk
    assert disk is not None
    return disk


def assert_same(disk: ByteSource, raw: bytes, block: int = BLOCK) -> None:
    """Whole, at block borders, and at random places."""
    assert disk.size >= len(raw)
    assert disk.read_at(0, len(raw)) == raw
    numbers = random.Random(len(raw))
    places = [(start + delta, 20) for start in range(0, len(raw), block) for delta in (-10, 0, block - 1)]
    places += [(numbers.randrange(len(raw)), numbers.randrange(3 * block)) for _ in range(200)]
    for offset, length in places:
        if offset >= 0 and offset + length <= len(raw):
            assert disk.read_at(offset, length) == raw[offset : offset + length], (offset, length)


@pytest.mark.parametrize("block_size", [512, 4096, 65536, 0x200000])
def test_dynamic(block_size: int) -> None:
    disk = opened(vhd_bytes(RAW, block_size=block_size))
    assert disk.size == len(RAW)
    assert_same(disk, RAW, min(block_size, 8192))


def test_fixed() -> None:
    disk = opened(vhd_bytes(RAW, dynamic=False))
    assert disk.size == len(RAW)
    assert_same(disk, RAW)


@pytest.mark.parametrize("dynamic", [False, True])
def test_reads_end_where_the_disk_ends(dynamic: bool) -> None:
    disk = opened(vhd_bytes(RAW, dynamic=dynamic, block_size=BLOCK))
    assert disk.read_at(disk.size - 4, 100) == b"tail"
    assert disk.read_at(disk.size, 10) == disk.read_at(1 << 62, 10) == disk.read_at(-1, 10) == b""


@pytest.mark.parametrize("subformat", ["dynamic", "fixed"])
@pytest.mark.parametrize("forced", ["on", "off"])
def test_what_qemu_img_writes(tmp_path: Path, find_tool: FindTool, subformat: str, forced: str) -> None:
    raw = disk_content(5 * 0x200000 + 12345 * 512, seed=7)
    source, image = tmp_path / "disk.raw", tmp_path / "disk.vhd"
    source.write_bytes(raw)
    options = f"subformat={subformat},force_size={forced}"
    tool = find_tool("qemu-img", "qemu-utils")
    command = [tool, "convert", "-f", "raw", "-O", "vpc", "-o", options, str(source), str(image)]
    subprocess.run(command, check=True, capture_output=True)
    assert_same(opened(image.read_bytes()), raw, 0x200000)


def footer_with(**fields: int) -> bytes:
    """A footer of a dynamic disk of the sample's size with other numbers, rightly summed."""
    data = bytearray(vhd_footer(len(RAW), kind=3))
    for name, number in fields.items():
        offset, form = {"data_offset": (16, ">Q"), "size": (48, ">Q"), "kind": (60, ">I")}[name]
        struct.pack_into(form, data, offset, number)
    data[64:68] = bytes(4)
    struct.pack_into(">I", data, 64, vhd_checksum(bytes(data)))
    return bytes(data)


def with_footer(**fields: int) -> bytes:
    data, footer = vhd_bytes(RAW, block_size=BLOCK), footer_with(**fields)
    return footer + data[512:-512] + footer


def with_header(**fields: int) -> bytes:
    data = bytearray(vhd_bytes(RAW, block_size=BLOCK))
    for name, number in fields.items():
        offset, form = {"table_offset": (16, ">Q"), "entries": (28, ">I"), "block_size": (32, ">I")}[name]
        struct.pack_into(form, data, 512 + offset, number)
    return bytes(data)


@pytest.mark.parametrize("spoilt", [b"\0" * 512, b"conectix" + b"\xff" * 504, b""])
def test_where_the_footer_is_damaged_its_copy_is_used(spoilt: bytes) -> None:
    assert_same(opened(vhd_bytes(RAW, block_size=BLOCK)[:-512] + spoilt), RAW)


def test_where_the_copy_is_damaged_the_footer_is_used() -> None:
    assert_same(opened(bytes(512) + vhd_bytes(RAW, block_size=BLOCK)[512:]), RAW)


@pytest.mark.parametrize("dynamic", [False, True])
def test_a_footer_of_511_bytes(dynamic: bool) -> None:
    data = vhd_bytes(RAW, dynamic=dynamic, block_size=BLOCK)[:-1]
    if dynamic:
        data = bytes(512) + data[512:]
    assert_same(opened(data), RAW)


def test_a_wrong_checksum_is_no_reason_to_refuse() -> None:
    data = bytearray(vhd_bytes(RAW, dynamic=False))
    data[-512 + 64] ^= 0xFF
    assert_same(opened(bytes(data)), RAW)


def test_a_differencing_disk_needs_its_parent() -> None:
    with pytest.raises(MissingParentError, match="differencing VHD"):
        opened(with_footer(kind=4))


@pytest.mark.parametrize("dynamic", [False, True])
def test_the_identity_is_the_unique_id(dynamic: bool) -> None:
    probe = Probe(Path("disk.vhd"), MemoryBytes(vhd_bytes(RAW, dynamic=dynamic)))
    assert VHD.open is not None
    assert VHD.open(probe, DEFAULT_LIMITS).identity == str(DEFAULT_ID)


@pytest.mark.parametrize(
    "data",
    [
        with_footer(kind=0),
        with_footer(kind=7),
        with_footer(data_offset=0),
        with_header(block_size=0),
        with_header(block_size=511),
        with_header(block_size=256),
        with_header(block_size=3 * 4096),
        with_header(entries=0),
        with_header(entries=40),
    ],
)
def test_impossible_numbers_are_format_errors(data: bytes) -> None:
    with pytest.raises(FormatError):
        opened(data)


@pytest.mark.parametrize(
    "data",
    [
        with_footer(data_offset=1 << 40),
        with_footer(data_offset=(1 << 64) - 1),
        with_header(table_offset=1 << 40),
        with_header(table_offset=(1 << 63) + 1),
        with_header(table_offset=(1 << 64) - 1),
    ],
)
def test_places_outside_the_file_are_errors_also_on_a_file_of_the_host(data: bytes, tmp_path: Path) -> None:
    from buildlab.sources.target import open_target

    path = tmp_path / "disk.vhd"
    path.write_bytes(data)
    with open_target(str(path)) as target:
        assert (target.kind, target.volumes) == ("vhd", ())
        assert isinstance(target.error, BuildlabError)


@pytest.mark.parametrize("size", [(64 << 40) + 512, (1 << 64) - 512])
def test_a_disk_beyond_all_bounds_is_refused(size: int) -> None:
    with pytest.raises(LimitExceededError):
        opened(with_footer(size=size))


def test_a_table_beyond_all_bounds_is_refused() -> None:
    data = bytearray(with_footer(size=63 << 40))
    struct.pack_into(">II", data, 512 + 28, 0xFFFFFFFF, 0x8000)
    with pytest.raises(LimitExceededError):
        opened(bytes(data))


def test_a_disk_that_needs_more_blocks_than_its_table_has() -> None:
    with pytest.raises(FormatError, match="needs"):
        opened(with_footer(size=1 << 30))


def test_a_large_disk_with_a_small_table_costs_nothing() -> None:
    data = bytearray(with_footer(size=1 << 40))
    struct.pack_into(">II", data, 512 + 28, 1 << 20, 1 << 30)
    disk = opened(bytes(data))
    assert disk.size == 1 << 40


def table_with(block: int, sector: int) -> ByteSource:
    data = bytearray(vhd_bytes(RAW, block_size=BLOCK))
    struct.pack_into(">I", data, 3 * 512 + 4 * block, sector)
    return opened(bytes(data))


def test_a_block_outside_the_file_is_an_error_of_that_block_only() -> None:
    disk = table_with(0, 0x7FFFFFFF)
    with pytest.raises(TruncatedError, match="block 0"):
        disk.read_at(0, 4)
    assert disk.read_at(BLOCK, 4 * BLOCK) == RAW[BLOCK : 5 * BLOCK]
    with pytest.raises(TruncatedError):
        disk.read_at(0, 3 * BLOCK)


def test_a_block_that_is_absent_reads_as_zeros() -> None:
    assert table_with(0, 0xFFFFFFFF).read_at(0, BLOCK) == bytes(BLOCK)


@pytest.mark.parametrize("kind", ["dynamic", "fixed"])
def test_cut_anywhere_what_is_read_is_right_or_an_error(kind: Literal["dynamic", "fixed"]) -> None:
    data = vhd_bytes(RAW, dynamic=kind == "dynamic", block_size=BLOCK)
    numbers = random.Random(kind)
    for length in (0, 8, 511, 512, 600, 1535, 1536, *(numbers.randrange(len(data)) for _ in range(60))):
        probe = Probe(Path("x"), MemoryBytes(data[:length]))
        if not VHD.probe(probe):
            continue
        assert VHD.open is not None
        try:
            disk = VHD.open(probe, DEFAULT_LIMITS).disk
        except BuildlabError:
            continue
        assert disk is not None
        for offset in range(0, len(RAW), BLOCK):
            try:
                assert disk.read_at(offset, 100) == RAW[offset : offset + 100], length
            except BuildlabError:
                continue


def test_flipped_bytes_in_footer_header_and_table_give_errors_of_ours() -> None:
    data = vhd_bytes(RAW, block_size=BLOCK)
    numbers = random.Random(3)
    for _ in range(300):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 3, 20))):
            offset = numbers.choice((numbers.randrange(1800), len(data) - 512 + numbers.randrange(100)))
            spoilt[offset] = numbers.randrange(256)
        probe = Probe(Path("x"), MemoryBytes(bytes(spoilt)))
        if not VHD.probe(probe):
            continue
        assert VHD.open is not None
        try:
            disk = VHD.open(probe, DEFAULT_LIMITS).disk
            assert disk is not None
            disk.read_at(0, 4096)
            disk.read_at(disk.size - 4096, 4096)
        except BuildlabError:
            continue
