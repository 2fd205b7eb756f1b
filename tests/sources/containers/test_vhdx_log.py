"""VHDX files that were not closed in good order: their log is replayed in memory."""

import random
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.operations.scan import scan
from buildlab.sources.source_check import SourceCheck
from tests.conftest import FindTool
from tests.kit import vhdx as kit
from tests.kit.vhdx import PAGE, LogEntry, Vhdx, blocks_of, put_in_ring, set_headers, with_log
from tests.places import FIXTURES, scan_of
from tests.sources.containers.opened_vhdx import MIB, assert_same, disk_content, disk_of, opened

RAW = disk_content(4 * MIB)
SAMPLE = Vhdx(size=len(RAW), blocks=blocks_of(RAW))
IMAGE = SAMPLE.written()
FIRST_BLOCK = struct.unpack_from("<Q", IMAGE, SAMPLE.entry_offset(0))[0] & ~0xFFFFF

Writes = list[tuple[int, bytes | int]]


def page(seed: int) -> bytes:
    """4,096 bytes; none of them like the next, so that a byte out of place shows."""
    return random.Random(seed).randbytes(PAGE)


def after(*changes: Writes) -> bytes:
    """The sample's disk with the changes made; all of them in its first block."""
    disk = bytearray(RAW)
    for change in changes:
        for offset, what in change:
            content = bytes(what) if isinstance(what, int) else what
            disk[offset - FIRST_BLOCK : offset - FIRST_BLOCK + len(content)] = content
    return bytes(disk)


ONE: Writes = [(FIRST_BLOCK, page(1)), (FIRST_BLOCK + 16 * PAGE, 3 * PAGE), (FIRST_BLOCK + 2 * PAGE, page(2))]
TWO: Writes = [(FIRST_BLOCK + 2 * PAGE, page(3)), (FIRST_BLOCK + 17 * PAGE, page(4)), (FIRST_BLOCK + 30 * PAGE, PAGE)]
NONE: Writes = []
MANY: Writes = [(FIRST_BLOCK + 40 * PAGE + number * PAGE, page(number)) for number in range(130)]
"""More descriptors than the first sector of an entry has room for."""


@pytest.mark.parametrize("changes", [[ONE], [ONE, TWO], [TWO, ONE], [ONE, NONE, TWO], [MANY], [ONE, MANY, TWO]])
@pytest.mark.parametrize("first", [1, 0xFFFFFFFE, (1 << 63) + 7])
@pytest.mark.parametrize("at", [0, 5 * PAGE, MIB - PAGE, MIB - 2 * PAGE, MIB - 4 * PAGE])
def test_the_log_is_replayed_wherever_in_the_ring_it_begins(changes: list[Writes], first: int, at: int) -> None:
    container = opened(with_log(IMAGE, changes, at=at, first=first))
    assert container.disk is not None
    assert container.damage == ()
    assert [(check.check, check.outcome) for check in container.checks] == [("vhdx-log", "replayed")]
    assert f"entries {first} to {first + len(changes) - 1}: " in container.checks[0].detail
    assert_same(container.disk, after(*changes))


def test_an_empty_log_may_hold_anything() -> None:
    data = bytearray(with_log(IMAGE, [ONE]))
    set_headers(data, log_guid=kit.NO_LOG)
    assert opened(data).checks == (SourceCheck(check="vhdx-log", outcome="ok", detail="the log is empty"),)
    assert_same(disk_of(data), RAW)


@pytest.mark.parametrize("at", [0, 3 * PAGE, MIB - 2 * PAGE])
def test_qemu_replays_to_the_same_bytes(tmp_path: Path, find_tool: FindTool, at: int) -> None:
    """A log that does not run over the ring's end: qemu would apply only what lies at the start of the ring."""
    tool, write = find_tool("qemu-img", "qemu-utils"), find_tool("qemu-io", "qemu-utils")
    image, raw = tmp_path / "disk.vhdx", tmp_path / "disk.raw"
    options = "subformat=dynamic,block_size=1M,log_size=1M"
    subprocess.run([tool, "create", "-q", "-f", "vhdx", "-o", options, str(image), "16M"], check=True)
    commands = ["-c", "write -P 0x11 0 1M", "-c", "write -P 0x22 3M 1M"]
    subprocess.run([write, "-f", "vhdx", *commands, str(image)], check=True, capture_output=True)
    data = image.read_bytes()
    table = next(place for place in range(2 * MIB, len(data), MIB) if struct.unpack_from("<Q", data, place)[0] & 7 == 6)
    first = struct.unpack_from("<Q", data, table)[0] & ~0xFFFFF
    entries = bytearray(data[table : table + PAGE])
    entries[5 * 8 : 6 * 8], entries[3 * 8 : 4 * 8] = entries[3 * 8 : 4 * 8], struct.pack("<Q", 2)
    changes: list[Writes] = [[(first + PAGE, page(1)), (table, bytes(entries))], [(first + 8 * PAGE, 3 * PAGE)]]
    if at + 4 * PAGE > MIB:
        changes = changes[1:]
    image.write_bytes(with_log(data, changes, at=at))
    disk = disk_of(image.read_bytes())
    subprocess.run([tool, "check", "-r", "all", str(image)], check=True, capture_output=True)
    subprocess.run([tool, "convert", "-f", "vhdx", "-O", "raw", str(image), str(raw)], check=True)
    expected = raw.read_bytes()
    assert expected[8 * PAGE : 11 * PAGE] == bytes(3 * PAGE)
    assert len(changes) == 1 or expected[5 * MIB : 6 * MIB] == b"\x22" * MIB
    assert_same(disk, expected)


def test_a_scan_of_an_unplayed_log_says_so(tmp_path: Path, find_tool: FindTool) -> None:
    """Three pages of the disk are zeros in the file, and whole only with the log."""
    tool, image = find_tool("qemu-img", "qemu-utils"), tmp_path / "disk.vhdx"
    source = FIXTURES / "select-current-2.vhd"
    subprocess.run([tool, "convert", "-f", "vpc", "-O", "vhdx", str(source), str(image)], check=True)
    data = bytearray(image.read_bytes())
    table = next(place for place in range(2 * MIB, len(data), MIB) if struct.unpack_from("<Q", data, place)[0] & 7 == 6)
    start = struct.unpack_from("<Q", data, table)[0] & ~0xFFFFF
    places = [start, start + 8 * PAGE, start + 9 * PAGE]
    changes: list[Writes] = [[(place, bytes(data[place : place + PAGE])) for place in places]]
    for place in places:
        data[place : place + PAGE] = bytes(PAGE)
    image.write_bytes(with_log(bytes(data), changes, at=MIB - 2 * PAGE))
    result, expected = scan(image), scan_of(source.name)
    assert (result.exit.code, result.errors) == (0, ())
    assert [found.identity for found in result.installations] == [found.identity for found in expected.installations]
    image.write_bytes(data)
    assert scan(image).exit.code != 0


def test_a_log_may_rewrite_table_metadata_and_regions() -> None:
    other = replace(SAMPLE, size=2 * MIB).written()
    places = [*range(0x30000, 0x50000, PAGE), *range(2 * MIB, 2 * MIB + 0x11000, PAGE), 3 * MIB]
    changes: Writes = [(place, other[place : place + PAGE]) for place in places]
    spoilt = bytearray(IMAGE)
    for place in places:
        spoilt[place : place + PAGE] = b"\xff" * PAGE
    assert_same(disk_of(with_log(bytes(spoilt), [changes])), RAW[: 2 * MIB])


def ring(*entries: tuple[int, LogEntry]) -> bytes:
    """The sample with entries at places of the ring."""
    data = bytearray(IMAGE)
    for at, entry in entries:
        put_in_ring(data, at, entry.written())
    set_headers(data, log_guid=kit.LOG_GUID)
    return bytes(data)


def entry_of(sequence: int, writes: Writes, *, tail: int = 0, guid: UUID = kit.LOG_GUID) -> LogEntry:
    return LogEntry(sequence=sequence, tail=tail, flushed=len(IMAGE), last=len(IMAGE), writes=writes, guid=guid)


SIZE = 3 * PAGE
"""Bytes that an entry of ONE or TWO takes."""


def test_older_entries_in_the_ring_are_left_alone() -> None:
    data = ring(
        (0, entry_of(12, TWO, tail=0)),
        (SIZE, entry_of(4, ONE, tail=SIZE)),
        (20 * PAGE, entry_of(10, ONE, tail=20 * PAGE)),
        (40 * PAGE, entry_of(99, ONE, tail=40 * PAGE, guid=UUID(int=5))),
    )
    assert_same(disk_of(data), after(TWO))


def test_entries_before_the_tail_were_written_already() -> None:
    data = ring((0, entry_of(1, ONE)), (SIZE, entry_of(2, NONE)), (SIZE + PAGE, entry_of(3, TWO, tail=SIZE)))
    container = opened(data)
    assert "entries 2 to 3" in container.checks[0].detail
    assert_same(disk_of(data), after(TWO))


def test_a_run_whose_tail_is_not_in_it_does_not_count() -> None:
    data = ring((0, entry_of(1, ONE)), (20 * PAGE, entry_of(7, TWO, tail=30 * PAGE)))
    assert_same(disk_of(data), after(ONE))


def spoil(offset: int, value: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[offset : offset + len(value)] = value

    return change


LOG = kit.LOG_OFFSET
SPOILT_ENTRIES = {
    "signature": spoil(LOG, b"LOGE"),
    "checksum": spoil(LOG + 4, b"\0\0\0\0"),
    "length": spoil(LOG + 8, struct.pack("<I", 2 * MIB)),
    "odd length": spoil(LOG + 8, struct.pack("<I", 5000)),
    "no length": spoil(LOG + 8, bytes(4)),
    "tail": spoil(LOG + 12, struct.pack("<I", MIB)),
    "number": spoil(LOG + 16, bytes(8)),
    "descriptors": spoil(LOG + 24, struct.pack("<I", 0xFFFFFFFF)),
    "fewer descriptors": spoil(LOG + 24, struct.pack("<I", 1)),
    "descriptor": spoil(LOG + 64, b"Desc"),
    "descriptor's number": spoil(LOG + 88, b"\x09"),
    "descriptor's place": spoil(LOG + 80, b"\x01"),
    "zeros behind the end": spoil(LOG + 64 + 32 + 8, struct.pack("<Q", 1 << 62)),
    "odd zeros": spoil(LOG + 64 + 32 + 8, struct.pack("<Q", 100)),
    "sector": spoil(LOG + PAGE, b"Data"),
    "sector's high number": spoil(LOG + PAGE + 4, b"\x01"),
    "sector's low number": spoil(LOG + 2 * PAGE - 4, b"\x09"),
    "content": spoil(LOG + PAGE + 500, b"changed"),
}


@pytest.mark.parametrize(
    ("what", "summed"),
    [(what, False) for what in SPOILT_ENTRIES]
    + [(what, True) for what in SPOILT_ENTRIES if what not in ("checksum", "content")],
)
def test_a_log_in_use_without_a_valid_entry_is_an_error(what: str, summed: bool) -> None:
    """Also where the checksum is that of the damaged entry."""
    data = bytearray(with_log(IMAGE, [ONE]))
    SPOILT_ENTRIES[what](data)
    if summed:
        data[LOG : LOG + SIZE] = kit.summed(bytes(data[LOG : LOG + SIZE]))
    with pytest.raises(FormatError, match="no valid entries"):
        opened(data)


def test_a_damaged_last_entry_ends_the_run_before_it() -> None:
    data = bytearray(with_log(IMAGE, [ONE, TWO]))
    data[LOG + SIZE + PAGE + 100] ^= 1
    assert_same(disk_of(data), after(ONE))


def test_what_a_growing_file_was_to_become_reads_as_zeros() -> None:
    """The file is to grow by a block that the table already names."""
    table = bytearray(IMAGE[3 * MIB : 3 * MIB + PAGE])
    struct.pack_into("<Q", table, 8, len(IMAGE) | 6)
    writes: Writes = [(3 * MIB, bytes(table)), (len(IMAGE) + PAGE, page(9))]
    entry = replace(entry_of(1, writes), last=len(IMAGE) + MIB)
    expected = bytearray(RAW)
    expected[MIB : 2 * MIB] = (bytes(PAGE) + page(9)).ljust(MIB, b"\0")
    assert_same(disk_of(ring((0, entry))), bytes(expected))


def test_a_file_shorter_than_its_log_says_was_cut() -> None:
    entry = replace(entry_of(1, TWO), flushed=len(IMAGE) + MIB, last=len(IMAGE) + 2 * MIB)
    container = opened(ring((0, entry)))
    assert container.disk is not None
    assert [(type(fault), fault.offset) for fault in container.damage] == [(TruncatedError, len(IMAGE))]
    assert_same(container.disk, after(TWO))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"log_version": 1}, UnsupportedContentError),
        ({"log_size": 0}, FormatError),
        ({"log_size": MIB + PAGE}, FormatError),
        ({"log_offset": 0}, FormatError),
        ({"log_offset": MIB + PAGE}, FormatError),
        ({"log_size": 1 << 31}, LimitExceededError),
        ({"log_offset": 64 * MIB}, TruncatedError),
        ({"log_offset": (1 << 64) - MIB}, TruncatedError),
        ({"log_offset": 2 * MIB}, FormatError),
    ],
)
def test_impossible_logs(fields: dict[str, int | UUID], error: type[BuildlabError]) -> None:
    data = bytearray(with_log(IMAGE, [ONE]))
    set_headers(data, **fields)
    with pytest.raises(error):
        opened(data)


def test_zeros_without_end_cost_nothing() -> None:
    writes: Writes = [(8 * MIB + number * PAGE, 1 << 61) for number in range(30_000)]
    entry = replace(entry_of(1, writes), last=1 << 62)
    data = ring((0, entry))
    started = time.process_time()
    assert opened(data).disk is not None
    assert time.process_time() - started < 3


@pytest.mark.parametrize("length", [MIB, 512 * 1024, PAGE])
def test_a_ring_of_entries_that_claim_all_of_it_is_read_quickly(length: int) -> None:
    data = bytearray(ring())
    for at in range(0, MIB, PAGE):
        entry = bytearray(entry_of(at + 1, NONE).written())
        struct.pack_into("<I", entry, 8, length)
        put_in_ring(data, at, kit.summed(bytes(entry)))
    started = time.process_time()
    with suppress(BuildlabError):
        opened(data)
    assert time.process_time() - started < 3


@pytest.mark.slow
def test_a_full_ring_of_the_largest_size_is_read_quickly() -> None:
    size = 64 * MIB
    sample = replace(SAMPLE, log_size=size)
    writes: Writes = [(sample.table_offset + MIB, page(1))]
    data = bytearray(sample.written())
    entry = kit.LogEntry(sequence=1, tail=0, flushed=0, last=len(data), writes=writes).written()
    for at in range(0, size, len(entry)):
        put_in_ring(data, at, entry)
    set_headers(data, log_guid=kit.LOG_GUID)
    started = time.process_time()
    assert opened(data).checks[0].outcome == "replayed"
    assert time.process_time() - started < 15


def test_cut_or_changed_anywhere_a_log_gives_errors_of_ours() -> None:
    data = with_log(IMAGE, [ONE, MANY, TWO], at=MIB - 5 * PAGE)
    numbers = random.Random(5)
    for _ in range(60):
        spoilt = bytearray(data[: numbers.choice((len(data), numbers.randrange(len(data))))])
        for _ in range(numbers.choice((1, 5, 40))):
            at = MIB + numbers.choice((numbers.randrange(130 * PAGE), MIB - 5 * PAGE + numbers.randrange(200)))
            if at < len(spoilt):
                spoilt[at] = numbers.randrange(256)
        try:
            disk = opened(spoilt).disk
            assert disk is not None
            disk.read_at(0, MIB)
        except BuildlabError:
            continue
