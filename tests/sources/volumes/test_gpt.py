"""GUID partition tables: the backup steps in where the first copy is bad, and it is said."""

import io
import random
import struct
import zlib
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.target import open_target
from buildlab.sources.volume import PartitionTable
from buildlab.sources.volumes.gpt import GPT
from tests.kit.disk import BASIC_DATA, EFI_SYSTEM, MICROSOFT_RESERVED, RECOVERY, Volume, write_gpt

LDM = UUID("AF9B60A0-1431-4F62-BC68-3311714A69AD")
SPACES = UUID("E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D")
UNKNOWN = UUID("01234567-89AB-CDEF-0123-456789ABCDEF")


def disk(*guids: UUID, skip: int = 0) -> tuple[bytearray, list[int]]:
    out = io.BytesIO()
    volumes = [
        Volume(bytes([number]) * 512 * (10 + number), guid=guid, name=f"part {number}")
        for number, guid in enumerate(guids, 1)
    ]
    offsets = write_gpt(out, volumes, align=64, skip_entries=skip, end_padding=8)
    return bytearray(out.getvalue()), offsets


def table(data: bytes | bytearray, limits: Limits = DEFAULT_LIMITS) -> PartitionTable:
    source = MemoryBytes(bytes(data))
    assert GPT.probe(source)
    return GPT.read(source, limits)


SAMPLE, OFFSETS = disk(EFI_SYSTEM, MICROSOFT_RESERVED, BASIC_DATA, RECOVERY)


def test_partitions() -> None:
    found = table(SAMPLE).partitions
    assert [part.number for part in found] == [1, 2, 3, 4]
    assert [part.start for part in found] == OFFSETS
    assert [part.size // 512 for part in found] == [11, 12, 13, 14]
    assert [part.type for part in found] == ["EFI system", "Microsoft reserved", "basic data", "Windows recovery"]
    assert [part.name for part in found] == ["part 1", "part 2", "part 3", "part 4"]
    assert [part.expect_windows for part in found] == [False, False, True, False]


def test_empty_entries_are_not_counted() -> None:
    data, offsets = disk(BASIC_DATA, BASIC_DATA, skip=3)
    assert [(part.number, part.start) for part in table(data).partitions] == list(enumerate(offsets, 1))


def test_an_unknown_type_is_named_by_its_number() -> None:
    data, _ = disk(UNKNOWN)
    assert table(data).partitions[0].type == str(UNKNOWN)


@pytest.mark.parametrize(("guid", "words"), [(LDM, "LDM"), (SPACES, "Storage Spaces")])
def test_what_cannot_be_read_is_refused_by_name(guid: UUID, words: str) -> None:
    data, _ = disk(guid)
    reason = table(data).partitions[0].refuse
    assert reason is not None
    assert words in reason


def test_a_sound_table_says_so() -> None:
    assert [(check.check, check.outcome) for check in table(SAMPLE).checks] == [("gpt", "ok")]


@pytest.mark.parametrize("offset", [512, 512 + 16, 512 + 40, 512 + 72, 512 + 88, 1024, 1024 + 32, 1024 + 128 * 127])
def test_where_the_first_copy_is_bad_the_backup_is_used(offset: int) -> None:
    data = bytearray(SAMPLE)
    data[offset] ^= 0xFF
    found = table(data)
    assert [part.start for part in found.partitions] == OFFSETS
    assert [(check.check, check.outcome) for check in found.checks] == [("gpt", "damaged")]
    assert "backup" in found.checks[0].detail


def test_a_bad_backup_does_not_matter() -> None:
    data = bytearray(SAMPLE)
    data[-512:] = bytes(512)
    assert table(data).checks[0].outcome == "ok"


def test_a_cut_disk_is_read_by_its_first_copy() -> None:
    assert [part.start for part in table(SAMPLE[: OFFSETS[1]]).partitions] == OFFSETS


def test_with_both_copies_bad_there_is_an_error_that_names_both() -> None:
    data = bytearray(SAMPLE)
    data[512 + 72] ^= 1
    data[-512 + 72] ^= 1
    with pytest.raises(FormatError, match=r"first copy.*backup"):
        table(data)


def with_header(**fields: int) -> bytearray:
    """Both headers with other numbers, rightly summed."""
    data = bytearray(SAMPLE)
    for start in (512, len(data) - 512):
        for name, number in fields.items():
            offset, form = {
                "header_size": (12, "<I"),
                "entries_lba": (72, "<Q"),
                "count": (80, "<I"),
                "entry_size": (84, "<I"),
            }[name]
            struct.pack_into(form, data, start + offset, number)
        size = min(max(int.from_bytes(data[start + 12 : start + 16], "little"), 92), 512)
        data[start + 16 : start + 20] = bytes(4)
        struct.pack_into("<I", data, start + 16, zlib.crc32(data[start : start + size]))
    return data


@pytest.mark.parametrize(
    "fields",
    [
        {"header_size": 91},
        {"header_size": 513},
        {"header_size": 0xFFFFFFFF},
        {"count": 0xFFFFFFFF},
        {"entry_size": 0},
        {"entry_size": 127},
        {"entry_size": 0xFFFFFFF8},
        {"entries_lba": 0},
        {"entries_lba": 1 << 40},
        {"entries_lba": 1 << 54},
        {"entries_lba": (1 << 64) - 1},
    ],
)
def test_impossible_numbers_are_errors_also_on_a_file_of_the_host(fields: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(with_header(**fields))
    with open_target(str(path)) as target:
        assert target.volumes == ()
        assert isinstance(target.error, BuildlabError)


@pytest.mark.parametrize("left", [8, 9, 91, 92, 511])
def test_a_disk_cut_inside_its_header(left: int) -> None:
    with pytest.raises(FormatError, match="first copy"):
        table(SAMPLE[: 512 + left])


@pytest.mark.parametrize("left", [0, 1, 128 * 3, 128 * 3 + 5])
def test_a_disk_cut_inside_entries_that_are_rightly_summed(left: int) -> None:
    data = with_header(entries_lba=len(SAMPLE) // 512 - 1)
    data = data[: len(data) - 512] + bytes(left)
    struct.pack_into("<I", data, 512 + 88, zlib.crc32(bytes(left)))
    data[512 + 16 : 512 + 20] = bytes(4)
    struct.pack_into("<I", data, 512 + 16, zlib.crc32(data[512 : 512 + 92]))
    with pytest.raises(FormatError, match="ends inside the entries"):
        table(data)


@pytest.mark.parametrize(("first", "last"), [(1 << 40, 1 << 41), (1 << 60, (1 << 60) + 9), (5, 4), (0, (1 << 64) - 1)])
def test_partitions_at_impossible_places_do_no_harm(first: int, last: int, tmp_path: Path) -> None:
    data = bytearray(SAMPLE)
    for place in (1024 + 2 * 128, len(data) - 33 * 512 + 2 * 128):
        struct.pack_into("<QQ", data, place + 32, first, last)
    for start, entries in ((512, 1024), (len(data) - 512, len(data) - 33 * 512)):
        struct.pack_into("<I", data, start + 88, zlib.crc32(data[entries : entries + 128 * 128]))
        data[start + 16 : start + 20] = bytes(4)
        struct.pack_into("<I", data, start + 16, zlib.crc32(data[start : start + 92]))
    path = tmp_path / "disk"
    path.write_bytes(data)
    with open_target(str(path)) as target:
        assert target.error is None
        assert len(target.volumes) == 4
        assert target.volumes[2].tree is None


def test_the_number_of_partitions_is_bounded() -> None:
    with pytest.raises(FormatError, match="more than 3"):
        table(SAMPLE, Limits(partitions=3))


def large_sectors() -> bytes:
    """A disk of 4 KiB sectors with one partition: header in sector 1, entries in sector 2, backup at the end."""
    sectors = 100
    entry = BASIC_DATA.bytes_le + UUID(int=1).bytes_le + struct.pack("<QQQ", 10, 19, 0) + bytes(72)
    entries = entry.ljust(128 * 32, b"\0")

    def header(own: int, other: int, place: int, crc: int = 0) -> bytes:
        head = struct.pack("<8sIIIIQQQQ", b"EFI PART", 0x10000, 92, crc, 0, own, other, 6, sectors - 7)
        head += UUID(int=2).bytes_le + struct.pack("<QIII", place, 32, 128, zlib.crc32(entries))
        return head if crc else header(own, other, place, zlib.crc32(head))

    data = bytearray(sectors * 4096)
    data[450] = 0xEE
    struct.pack_into("<II", data, 454, 1, sectors - 1)
    data[510:512] = b"\x55\xaa"
    data[4096 : 4096 + 92] = header(1, sectors - 1, 2)
    data[8192 : 8192 + len(entries)] = entries
    data[-8192 : -8192 + len(entries)] = entries
    data[-4096 : -4096 + 92] = header(sectors - 1, 1, sectors - 2)
    return bytes(data)


def test_sectors_of_4_kib() -> None:
    found = table(large_sectors())
    assert [(part.start, part.size) for part in found.partitions] == [(40960, 40960)]
    assert found.checks[0].outcome == "ok"


def test_the_backup_on_sectors_of_4_kib() -> None:
    data = bytearray(large_sectors())
    data[4096 + 60] ^= 1
    found = table(data)
    assert [(part.start, part.size) for part in found.partitions] == [(40960, 40960)]
    assert found.checks[0].outcome == "damaged"


def test_flipped_bytes_in_the_tables_are_errors_of_ours() -> None:
    numbers = random.Random(9)
    for _ in range(200):
        data = bytearray(SAMPLE)
        for _ in range(numbers.choice((1, 4))):
            start = numbers.choice((446, 512, 1024, len(data) - 512, len(data) - 33 * 512))
            data[start + numbers.randrange(66 if start == 446 else 100)] = numbers.randrange(256)
        source = MemoryBytes(bytes(data))
        try:
            if GPT.probe(source):
                GPT.read(source, DEFAULT_LIMITS)
        except BuildlabError as error:
            assert error.kind == "damaged"
