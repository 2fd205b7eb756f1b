"""Master boot records, with extended partitions, loops and large sectors."""

import io
import random
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.volume import Partition
from buildlab.sources.volumes.mbr import MBR
from tests.kit.disk import Volume, write_mbr


def volume(seed: int, sectors: int) -> bytes:
    return bytes([seed]) * 510 + b"\x55\xaa" + bytes((sectors - 1) * 512)


def disk(volumes: list[Volume], align: int = 63) -> tuple[bytearray, list[int]]:
    out = io.BytesIO()
    offsets = write_mbr(out, volumes, align=align)
    return bytearray(out.getvalue()), offsets


def partitions(data: bytes | bytearray, limits: Limits = DEFAULT_LIMITS) -> tuple[Partition, ...]:
    return MBR.read(MemoryBytes(bytes(data)), limits).partitions


def sample() -> tuple[bytearray, list[int]]:
    return disk(
        [
            Volume(volume(1, 300), active=True),
            Volume(volume(2, 100), type=0x27),
            Volume(volume(3, 64), logical=True),
            Volume(volume(4, 65), logical=True, type=0x0C),
            Volume(volume(5, 66), logical=True),
        ]
    )


def test_primary_before_logical_in_the_order_of_the_table() -> None:
    data, offsets = sample()
    found = partitions(data)
    assert [part.number for part in found] == [1, 2, 3, 4, 5]
    assert [part.start for part in found] == offsets
    assert [part.size // 512 for part in found] == [300, 100, 64, 65, 66]
    assert [part.type for part in found] == ["0x07", "0x27", "0x07", "0x0c", "0x07"]
    assert [part.expect_windows for part in found] == [True, True, True, False, True]


def test_empty_entries_are_not_counted() -> None:
    data, offsets = sample()
    data[446:462] = bytes(16)
    found = partitions(data)
    assert [(part.number, part.start) for part in found] == list(enumerate(offsets[1:], 1))


@pytest.mark.parametrize("extended_type", [0x05, 0x0F, 0x85])
def test_all_types_of_extended_partitions(extended_type: int) -> None:
    out = io.BytesIO()
    offsets = write_mbr(out, [Volume(volume(1, 9), logical=True)] * 2, align=8, extended_type=extended_type)
    assert [part.start for part in partitions(out.getvalue())] == offsets


def test_partitions_beyond_the_end_of_the_disk_are_kept() -> None:
    data, offsets = sample()
    found = partitions(data[: offsets[1] + 512])
    assert [part.start for part in found][:2] == offsets[:2]


def links(data: bytearray, offsets: list[int]) -> list[int]:
    """Offsets of the extended boot records."""
    return [offset - 63 * 512 for offset in offsets[2:]]


@pytest.mark.parametrize("target", [0, 1])
def test_a_chain_that_returns_to_itself_ends(target: int) -> None:
    data, offsets = sample()
    records = links(data, offsets)
    struct.pack_into("<I", data, records[-1] + 446 + 16 + 8, (records[target] - records[0]) // 512)
    struct.pack_into("<I", data, records[-1] + 446 + 16 + 12, 1)
    data[records[-1] + 446 + 16 + 4] = 5
    assert len(partitions(data)) == 5


def test_a_chain_is_bounded() -> None:
    data, _ = disk([Volume(volume(1, 1), logical=True) for _ in range(20)], align=1)
    assert len(partitions(data)) == 20
    assert len(partitions(data, Limits(extended_partition_hops=7))) == 7
    with pytest.raises(FormatError, match="20 partitions"):
        partitions(data, Limits(partitions=19))


def test_a_broken_link_ends_the_chain_there() -> None:
    data, offsets = sample()
    records = links(data, offsets)
    data[records[1] + 510 : records[1] + 512] = b"\0\0"
    assert [part.start for part in partitions(data)] == offsets[:3]


def test_dynamic_disks_are_refused_by_name() -> None:
    data, _ = disk([Volume(volume(1, 10), type=0x42)])
    reason = partitions(data)[0].refuse
    assert reason is not None
    assert "LDM" in reason


def test_a_table_without_partitions() -> None:
    with pytest.raises(FormatError, match="without a partition"):
        partitions(bytes(510) + b"\x55\xaa" + bytes(512))


def large_sectors(data: bytearray, offsets: list[int]) -> bytes:
    """The disk as it would be with sectors of 4 KiB: every place eight times as far."""
    spread = bytearray(len(data) * 8)
    spread[:512] = data[:512]
    for offset in offsets:
        spread[offset * 8 : offset * 8 + 512] = data[offset : offset + 512]
    return bytes(spread)


def test_sectors_of_4_kib() -> None:
    data, offsets = disk([Volume(volume(1, 30)), Volume(volume(2, 40))])
    found = partitions(large_sectors(data, offsets))
    assert [(part.start, part.size) for part in found] == [
        (offsets[0] * 8, 30 * 4096),
        (offsets[1] * 8, 40 * 4096),
    ]


def test_any_bytes_in_the_table_are_read_or_refused() -> None:
    data, _ = sample()
    numbers = random.Random(5)
    for _ in range(300):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 4, 16))):
            spoilt[446 + numbers.randrange(64)] = numbers.randrange(256)
        try:
            assert len(partitions(spoilt)) <= 256
        except BuildlabError as error:
            assert error.kind == "damaged"
