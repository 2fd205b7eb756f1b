"""VHDX files: by qemu-img, by the kit, and damaged."""

import random
import struct
import subprocess
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.operations.scan import scan
from buildlab.sources.target import open_target
from tests.conftest import FindTool
from tests.kit import vhdx as kit
from tests.kit.vhdx import FULL, UNDEFINED, UNMAPPED, ZERO, Block, Vhdx, blocks_of
from tests.places import FIXTURES, scan_of
from tests.sources.containers.opened_vhdx import MIB, assert_same, disk_content, disk_of, opened

RAW = disk_content(5 * MIB + 3 * 4096)
SAMPLE = Vhdx(size=len(RAW), blocks=blocks_of(RAW))


@pytest.mark.parametrize("subformat", ["dynamic", "fixed"])
@pytest.mark.parametrize("block_size", ["1M", "2M", "16M", "32M", "256M"])
@pytest.mark.parametrize("zero", ["on", "off"])
def test_what_qemu_img_writes(tmp_path: Path, find_tool: FindTool, subformat: str, block_size: str, zero: str) -> None:
    raw = disk_content(11 * MIB + 12345 * 512, seed=7)
    source, image = tmp_path / "disk.raw", tmp_path / "disk.vhdx"
    source.write_bytes(raw)
    options = f"subformat={subformat},block_size={block_size},block_state_zero={zero}"
    tool = find_tool("qemu-img", "qemu-utils")
    subprocess.run([tool, "convert", "-O", "vhdx", "-o", options, str(source), str(image)], check=True)
    assert_same(disk_of(image), raw)


def test_what_qemu_io_writes_into_a_disk_that_is_there(tmp_path: Path, find_tool: FindTool) -> None:
    image, raw = tmp_path / "disk.vhdx", tmp_path / "disk.raw"
    make, write = find_tool("qemu-img", "qemu-utils"), find_tool("qemu-io", "qemu-utils")
    options = "subformat=dynamic,block_size=1M,log_size=2M"
    subprocess.run([make, "create", "-q", "-f", "vhdx", "-o", options, str(image), "64M"], check=True)
    commands = ["write -P 0x11 0 1M", "write -P 0x22 5000k 3M", "write -P 0x33 67100672 8192", "write -z 6M 1M"]
    arguments = [argument for command in commands for argument in ("-c", command)]
    subprocess.run([write, "-f", "vhdx", *arguments, str(image)], check=True, capture_output=True)
    subprocess.run([make, "convert", "-f", "vhdx", "-O", "raw", str(image), str(raw)], check=True)
    assert_same(disk_of(image), raw.read_bytes())


def test_a_vhdx_scans_as_the_vhd_it_was_made_from(tmp_path: Path, find_tool: FindTool) -> None:
    image = tmp_path / "disk.vhdx"
    source = FIXTURES / "select-current-2.vhd"
    tool = find_tool("qemu-img", "qemu-utils")
    subprocess.run([tool, "convert", "-f", "vpc", "-O", "vhdx", str(source), str(image)], check=True)
    result, expected = scan(image), scan_of(source.name)
    assert (result.target.kind, result.exit.code, result.errors) == ("vhdx", 0, ())
    assert len(result.installations) == len(expected.installations) > 0
    for found, other in zip(result.installations, expected.installations, strict=True):
        assert found.identity == other.identity
        assert found.updates == other.updates


@pytest.mark.parametrize("sector_size", [512, 4096])
@pytest.mark.parametrize("block_size", [MIB, 2 * MIB, 8 * MIB])
def test_dynamic(sector_size: int, block_size: int) -> None:
    blocks = blocks_of(RAW, block_size)
    container = opened(replace(SAMPLE, blocks=blocks, block_size=block_size, sector_size=sector_size).written())
    assert container.disk is not None
    assert (container.damage, container.identity) == ((), str(kit.DEFAULT_IDENTITY))
    assert [(check.check, check.outcome) for check in container.checks] == [("vhdx-log", "ok")]
    assert_same(container.disk, RAW)


@pytest.mark.parametrize("sector_size", [512, 4096])
def test_behind_each_chunk_the_table_has_an_entry_for_its_bitmap(sector_size: int) -> None:
    ratio = Vhdx(size=0, sector_size=sector_size).ratio
    numbers = (0, ratio - 1, ratio, ratio + 1, 2 * ratio - 1, 2 * ratio)
    blocks = {number: Block(FULL, number.to_bytes(4, "big") * (MIB // 4)) for number in numbers}
    disk = disk_of(Vhdx(size=(2 * ratio + 1) * MIB, blocks=blocks, sector_size=sector_size).written())
    for number in numbers:
        assert disk.read_at(number * MIB, MIB) == blocks[number].content
    assert disk.read_at((ratio - 1) * MIB - 10, 20) == bytes(10) + (ratio - 1).to_bytes(4, "big") * 2 + b"\0\0"
    assert disk.read_at(disk.size - 4, 100) == (2 * ratio).to_bytes(4, "big")


def test_reads_end_where_the_disk_ends() -> None:
    disk = disk_of(SAMPLE.written())
    assert disk.read_at(disk.size - 4, 100) == b"tail"
    assert disk.read_at(disk.size, 10) == disk.read_at(1 << 62, 10) == disk.read_at(-1, 10) == b""


def with_entry(block: int, entry: int) -> bytes:
    """The sample with another entry in its table."""
    data = bytearray(SAMPLE.written())
    struct.pack_into("<Q", data, SAMPLE.entry_offset(block), entry)
    return bytes(data)


@pytest.mark.parametrize("state", [0, UNDEFINED, ZERO, UNMAPPED])
@pytest.mark.parametrize("stale", [0, 4 * MIB, 1 << 50])
def test_a_block_without_content_reads_as_zeros_whatever_its_offset(state: int, stale: int) -> None:
    disk = disk_of(with_entry(1, state | stale))
    assert disk.read_at(MIB, MIB) == bytes(MIB)
    assert disk.read_at(2 * MIB, MIB) == RAW[2 * MIB : 3 * MIB]


@pytest.mark.parametrize("entry", [4 | 4 * MIB, 5 | 4 * MIB, 7 | 4 * MIB, 6, 6 | 1 << 10])
def test_an_impossible_entry_is_an_error_of_its_block_only(entry: int) -> None:
    disk = opened(with_entry(1, entry)).disk
    assert disk is not None
    with pytest.raises(FormatError, match="block 1"):
        disk.read_at(MIB + 5, 1)
    assert disk.read_at(2 * MIB, MIB) == RAW[2 * MIB : 3 * MIB]


@pytest.mark.parametrize("offset", [64 * MIB, 1 << 62, (1 << 64) - MIB])
def test_a_block_behind_the_end_of_the_file_is_told_and_never_zeros(offset: int) -> None:
    container = opened(with_entry(1, FULL | offset))
    assert container.disk is not None
    assert [type(fault) for fault in container.damage] == [TruncatedError]
    with pytest.raises(TruncatedError, match="block 1"):
        container.disk.read_at(MIB, 1)


def test_blocks_on_each_other_are_told() -> None:
    data = SAMPLE.written()
    first = struct.unpack_from("<Q", data, SAMPLE.entry_offset(0))[0]
    container = opened(with_entry(1, first))
    assert [fault.message for fault in container.damage] == ["vhdx: blocks lie on each other"]


def test_a_file_cut_at_its_end_is_damaged_and_read_to_there() -> None:
    data = SAMPLE.written()
    container = opened(data[: len(data) - MIB - 5000])
    assert container.disk is not None
    assert [type(fault) for fault in container.damage] == [TruncatedError]
    assert container.disk.read_at(0, 4 * MIB) == RAW[: 4 * MIB]
    with pytest.raises(TruncatedError):
        container.disk.read_at(5 * MIB - 100, 200)


def test_the_end_of_the_last_block_may_be_missing_where_the_disk_does_not_need_it() -> None:
    """As in the fixed disks of qemu-img."""
    data = SAMPLE.written()
    needed = len(data) - MIB + len(RAW) % MIB
    assert_same(disk_of(data[:needed]), RAW)
    assert [type(fault) for fault in opened(data[: needed - 1]).damage] == [TruncatedError]


def spoilt(*places: int) -> bytes:
    data = bytearray(SAMPLE.written())
    for place in places:
        data[place] ^= 0x80
    return bytes(data)


@pytest.mark.parametrize("place", [0x10000, 0x10020, 0x10FFF, 0x20000, 0x20048])
def test_one_header_is_enough(place: int) -> None:
    assert_same(disk_of(spoilt(place)), RAW)


def test_the_header_with_the_higher_number_counts() -> None:
    for newer, older in (kit.HEADERS, reversed(kit.HEADERS)):
        data = bytearray(SAMPLE.written())
        data[older : older + 4096] = kit.header(99, UUID(int=1), log_guid=UUID(int=2))
        data[newer : newer + 4096] = kit.header(100, UUID(int=3))
        assert opened(data).identity == str(UUID(int=3))


def test_equal_numbers_are_right_only_in_equal_headers() -> None:
    data = bytearray(SAMPLE.written())
    for offset in kit.HEADERS:
        data[offset : offset + 4096] = kit.header(5)
    assert_same(disk_of(data), RAW)
    data[kit.HEADERS[1] : kit.HEADERS[1] + 4096] = kit.header(5, UUID(int=1))
    with pytest.raises(FormatError, match="same sequence number"):
        opened(data)


@pytest.mark.parametrize("places", [(0x10000, 0x20000), (0x10030, 0x20030), (0x30000, 0x40000), (0x3FFFF, 0x4FFFF)])
def test_both_copies_damaged(places: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="both"):
        opened(spoilt(*places))


@pytest.mark.parametrize("place", [0x30000, 0x30004, 0x31234, 0x40000, 0x4FFFF])
def test_one_region_table_is_enough_and_the_other_is_told(place: int) -> None:
    container = opened(spoilt(place))
    assert container.disk is not None
    assert [(type(fault), fault.offset) for fault in container.damage] == [(FormatError, place & ~0xFFFF)]
    assert_same(container.disk, RAW)


def test_another_version_is_refused() -> None:
    data = bytearray(SAMPLE.written())
    kit.set_headers(data, version=2)
    with pytest.raises(UnsupportedContentError, match="version 2"):
        opened(data)


UNKNOWN = UUID("12345678-0000-4000-8000-000000000000")


def test_what_is_unknown_is_passed_over_unless_it_is_required() -> None:
    sound = replace(SAMPLE, regions={UNKNOWN: (64 * MIB, MIB, 0)}, metadata={UNKNOWN: (b"user", 1)})
    assert [type(fault) for fault in opened(sound.written()).damage] == []
    for changed in (
        replace(SAMPLE, regions={UNKNOWN: (64 * MIB, MIB, 1)}),
        replace(SAMPLE, metadata={UNKNOWN: (b"new", 4)}),
        replace(SAMPLE, metadata={UNKNOWN: (b"new", 5)}),
    ):
        with pytest.raises(UnsupportedContentError, match=str(UNKNOWN)):
            opened(changed.written())


@pytest.mark.parametrize(
    "regions",
    [
        {kit.BAT: (MIB // 2, MIB, 1)},
        {kit.BAT: (3 * MIB + 512, MIB, 1)},
        {kit.BAT: (3 * MIB, MIB + 8, 1)},
        {kit.BAT: (3 * MIB, 0, 1)},
        {kit.BAT: (2 * MIB, MIB, 1)},
        {kit.BAT: (MIB, MIB, 1)},
        {UNKNOWN: (3 * MIB, MIB, 0)},
        {kit.METADATA: (4 * MIB, MIB, 1)},
    ],
)
def test_impossible_regions_are_format_errors(regions: dict[UUID, tuple[int, int, int]]) -> None:
    with pytest.raises(FormatError):
        opened(replace(SAMPLE, regions=regions).written())


@pytest.mark.parametrize("count", [0, 1, 2048, 0xFFFFFFFF])
def test_impossible_counts_of_regions_are_format_errors(count: int) -> None:
    data = bytearray(SAMPLE.written())
    for offset in kit.REGION_TABLES:
        struct.pack_into("<I", data, offset + 8, count)
        data[offset : offset + 0x10000] = kit.summed(bytes(data[offset : offset + 0x10000]))
    with pytest.raises(FormatError):
        opened(data)


@pytest.mark.parametrize("offset", [1 << 40, (1 << 64) - MIB])
@pytest.mark.parametrize("kind", [kit.BAT, kit.METADATA])
def test_regions_behind_the_end_are_errors_also_on_a_file_of_the_host(kind: UUID, offset: int, tmp_path: Path) -> None:
    path = tmp_path / "disk.vhdx"
    path.write_bytes(replace(SAMPLE, regions={kind: (offset, MIB, 1)}).written())
    with open_target(str(path)) as target:
        assert (target.kind, target.volumes) == ("vhdx", ())
        assert isinstance(target.error, TruncatedError)


@pytest.mark.parametrize(
    "metadata",
    [
        {kit.FILE_PARAMETERS: (struct.pack("<II", 0, 0), 4)},
        {kit.FILE_PARAMETERS: (struct.pack("<II", MIB // 2, 0), 4)},
        {kit.FILE_PARAMETERS: (struct.pack("<II", 3 * MIB, 0), 4)},
        {kit.FILE_PARAMETERS: (struct.pack("<II", 512 * MIB, 0), 4)},
        {kit.FILE_PARAMETERS: (struct.pack("<I", MIB), 4)},
        {kit.FILE_PARAMETERS: (struct.pack("<II", MIB, 2), 4)},
        {kit.DISK_SIZE: (struct.pack("<Q", 1000), 6)},
        {kit.DISK_SIZE: (struct.pack("<Q", 1 << 40), 6)},
        {kit.DISK_SIZE: (b"", 6)},
        {kit.LOGICAL_SECTOR: (struct.pack("<I", 0), 6)},
        {kit.LOGICAL_SECTOR: (struct.pack("<I", 1024), 6)},
    ],
)
def test_impossible_metadata_is_a_format_error(metadata: dict[UUID, tuple[bytes, int]]) -> None:
    with pytest.raises(FormatError):
        opened(replace(SAMPLE, metadata=metadata).written())


@pytest.mark.parametrize(
    ("offset", "value"), [(10, 2048), (10, 0), (32 + 16, 0), (32 + 20, 0x7FFFFFFF), (32 + 16, 0xFFFFFFFF), (0, 0)]
)
def test_a_damaged_table_of_metadata(offset: int, value: int) -> None:
    data = bytearray(SAMPLE.written())
    struct.pack_into("<H" if offset == 10 else "<I", data, SAMPLE.metadata_offset + offset, value)
    with pytest.raises(FormatError):
        opened(data)


@pytest.mark.parametrize("size", [(64 << 40) + 512, (1 << 64) - 512])
def test_a_disk_beyond_all_bounds_is_refused(size: int) -> None:
    with pytest.raises(LimitExceededError):
        opened(replace(SAMPLE, metadata={kit.DISK_SIZE: (struct.pack("<Q", size), 6)}).written())


def test_a_table_beyond_all_bounds_is_refused() -> None:
    size = {kit.DISK_SIZE: (struct.pack("<Q", 64 << 40), 6)}
    with pytest.raises(LimitExceededError, match="table"):
        opened(replace(SAMPLE, metadata=size, regions={kit.BAT: (3 * MIB, 1 << 30, 1)}).written())


def test_a_small_file_that_claims_64_tebibytes_costs_nothing() -> None:
    size = {kit.DISK_SIZE: (struct.pack("<Q", 63 << 40), 6)}
    data = replace(SAMPLE, metadata=size, regions={kit.BAT: (3 * MIB, 1 << 30, 1)}).written()
    tracemalloc.start()
    started = time.process_time()
    for part in (data, data[:100_000], data[: 3 * MIB]):
        with pytest.raises(TruncatedError):
            opened(part)
    assert time.process_time() - started < 2
    assert tracemalloc.get_traced_memory()[1] < 40 * MIB
    tracemalloc.stop()


def test_a_table_of_64_tebibytes_that_is_all_holes_is_read_quickly(tmp_path: Path) -> None:
    path = tmp_path / "disk.vhdx"
    sample = Vhdx(size=63 << 40, block_size=2 * MIB)
    path.write_bytes(
        replace(
            sample,
            size=MIB,
            regions={kit.BAT: (3 * MIB, 512 * MIB, 1)},
            metadata={kit.DISK_SIZE: (struct.pack("<Q", 63 << 40), 6)},
        ).written()
    )
    with path.open("r+b") as file:
        file.truncate(600 * MIB)
    started = time.process_time()
    disk = disk_of(path)
    assert disk.read_at(62 << 40, 100) == bytes(100)
    assert time.process_time() - started < 10


def test_cut_anywhere_what_is_read_is_right_or_an_error() -> None:
    data = SAMPLE.written()
    numbers = random.Random(11)
    borders = [
        place + delta
        for place in (0x10000, 0x20000, 0x30000, 0x40000, MIB, 2 * MIB, 3 * MIB, 4 * MIB)
        for delta in (-1, 0, 1, 100)
    ]
    for length in (8, 512, 4096, *borders, *(numbers.randrange(8, len(data)) for _ in range(60))):
        try:
            container = opened(data[:length])
        except BuildlabError:
            continue
        assert container.disk is not None
        told = any(isinstance(fault, TruncatedError) for fault in container.damage)
        assert told == (length < len(data) - MIB + len(RAW) % MIB), length
        for offset in range(0, len(RAW), MIB // 4):
            try:
                assert container.disk.read_at(offset, 100) == RAW[offset : offset + 100], length
            except BuildlabError:
                continue


def resummed(data: bytearray) -> bytes:
    """`data` with the checksums of headers and region tables made right, so that what was spoilt is looked at."""
    for offset, length in (*((at, 4096) for at in kit.HEADERS), *((at, 0x10000) for at in kit.REGION_TABLES)):
        data[offset : offset + length] = kit.summed(bytes(data[offset : offset + length]))
    return bytes(data)


@pytest.mark.parametrize("sums", ["right", "as they are"])
def test_flipped_bytes_give_errors_of_ours(sums: str) -> None:
    data = SAMPLE.written()
    numbers = random.Random(3)
    used = [
        (0x10000, 80),
        (0x20000, 80),
        (0x30000, 90),
        (0x40000, 90),
        (2 * MIB, 250),
        (2 * MIB + 0x10000, 60),
        (3 * MIB, 60),
    ]
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(numbers.choice((1, 3, 20))):
            start, length = numbers.choice(used)
            changed[start + numbers.randrange(length)] = numbers.randrange(256)
        started = time.process_time()
        try:
            disk = opened(resummed(changed) if sums == "right" else changed).disk
            assert disk is not None
            disk.read_at(0, 4096)
            disk.read_at(disk.size - 4096, 4096)
        except BuildlabError:
            pass
        assert time.process_time() - started < 2


def test_a_file_that_is_none_may_still_be_named_one(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(random.Random(1).randbytes(300_000))
    with open_target(str(path), kind="vhdx") as target:
        assert isinstance(target.error, FormatError)


def test_the_bound_on_disks_is_that_of_the_limits() -> None:
    with pytest.raises(LimitExceededError):
        opened(SAMPLE.written(), limits=replace(DEFAULT_LIMITS, virtual_disk_bytes=MIB))
    with pytest.raises(LimitExceededError):
        opened(SAMPLE.written(), limits=replace(DEFAULT_LIMITS, disk_table_bytes=40))
