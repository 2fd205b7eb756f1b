"""The catalogue of shadow copies: what it lists, compared with vshadowinfo, and what is damaged."""

import random
import re
import struct
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.shadow_catalog import ShadowCopy, read_shadow_catalog
from buildlab.windows.filetime import iso_utc
from tests.conftest import FindTool
from tests.kit.shadow_copies import (
    BLOCK,
    HEADER_OFFSET,
    Copy,
    block_header,
    copy_entry,
    store_entry,
    volume_header,
    with_shadow_copies,
)

SIZE = 64 * BLOCK
OLD = Copy(0x01CEEFF1D012A94B)
NEW = Copy(0x01CEEFF22EF402B7, store=UUID(int=5), identifier=UUID(int=6))
CATALOG = 4 * BLOCK


def listed(volume: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[ShadowCopy, ...]:
    return read_shadow_catalog(MemoryBytes(volume), limits)


def volume_with(*blocks: bytes, size: int = SIZE) -> bytearray:
    """A volume whose catalogue has these blocks, one after another."""
    volume = bytearray(size)
    volume[HEADER_OFFSET : HEADER_OFFSET + 512] = volume_header(CATALOG)
    for number, entries in enumerate(blocks):
        at = CATALOG + number * BLOCK
        following = at + BLOCK if number + 1 < len(blocks) else 0
        block = block_header(2, number * BLOCK, at, following) + entries
        volume[at : at + len(block)] = block
    return volume


def test_copies_are_numbered_by_age() -> None:
    for copies in ([OLD, NEW], [NEW, OLD]):
        found = listed(with_shadow_copies(bytes(SIZE), copies))
        assert [(copy.number, copy.store, copy.identifier) for copy in found] == [
            (1, OLD.store, OLD.identifier),
            (2, NEW.store, NEW.identifier),
        ]
        assert [iso_utc(copy.created) for copy in found if copy.created] == [
            "2013-12-03T06:35:09.736378Z",
            "2013-12-03T06:37:48.919058Z",
        ]


def test_vshadowinfo_lists_the_same(tmp_path: Path, find_tool: FindTool) -> None:
    copies = [Copy(0x01CEEFF1D012A94B + n * 10**9, store=UUID(int=n), identifier=UUID(int=90 + n)) for n in (3, 1, 2)]
    image = tmp_path / "volume"
    image.write_bytes(with_shadow_copies(bytes(SIZE), copies))
    tool = find_tool("vshadowinfo", "libvshadow-utils")
    out = subprocess.run([tool, str(image)], check=True, capture_output=True, text=True).stdout
    theirs = zip(re.findall(r"\tIdentifier\s+: (\S+)", out), re.findall(r"Shadow copy ID\s+: (\S+)", out), strict=True)
    ours = [(str(copy.store), str(copy.identifier)) for copy in listed(image.read_bytes())]
    assert ours == list(theirs)
    assert len(ours) == 3


def test_entries_that_are_scattered_over_blocks() -> None:
    unused = struct.pack("<Q", 1).ljust(128, b"\0")
    volume = volume_with(
        unused + store_entry(NEW, 0, 20 * BLOCK, 0, 0) + copy_entry(OLD, SIZE, 1), bytes(256) + copy_entry(NEW, SIZE, 2)
    )
    assert [copy.store for copy in listed(bytes(volume))] == [OLD.store, NEW.store]


@pytest.mark.parametrize("volume", [b"", bytes(HEADER_OFFSET), bytes(SIZE), bytes(HEADER_OFFSET) + b"\xff" * 512])
def test_a_volume_without_a_catalogue(volume: bytes) -> None:
    assert listed(volume) == ()


def test_shadow_copies_that_are_enabled_and_not_there() -> None:
    volume = bytearray(SIZE)
    volume[HEADER_OFFSET : HEADER_OFFSET + 512] = volume_header(0)
    assert listed(bytes(volume)) == ()


@pytest.mark.parametrize("header", [0, 3 * BLOCK, SIZE - 8, 1 << 60], ids=["none", "zeros", "cut", "outside"])
def test_a_copy_without_a_readable_store_is_listed(header: int) -> None:
    (copy,) = listed(bytes(volume_with(copy_entry(OLD, SIZE, 1) + store_entry(OLD, 0, header, 0, 0))))
    assert (copy.number, copy.store, copy.identifier) == (1, OLD.store, None)


def test_a_time_that_is_none() -> None:
    for time in (0, (1 << 64) - 1):
        (copy,) = listed(bytes(volume_with(copy_entry(Copy(time), SIZE, 1))))
        assert copy.created is None


@pytest.mark.parametrize("offset", [CATALOG, 1 << 60, SIZE - 100, 7 * BLOCK], ids=["itself", "far", "end", "zeros"])
def test_a_chain_that_leads_nowhere_is_damage(offset: int) -> None:
    volume = volume_with(copy_entry(OLD, SIZE, 1))
    struct.pack_into("<Q", volume, CATALOG + 40, offset)
    with pytest.raises(FormatError) as caught:
        listed(bytes(volume))
    assert caught.value.offset == offset


def test_a_catalogue_as_long_as_no_other() -> None:
    volume = volume_with(*[b""] * 5)
    assert listed(bytes(volume), Limits(shadow_catalog_blocks=5)) == ()
    with pytest.raises(LimitExceededError):
        listed(bytes(volume), Limits(shadow_catalog_blocks=4))


def test_a_header_that_is_another_record() -> None:
    volume = volume_with(b"")
    struct.pack_into("<I", volume, HEADER_OFFSET + 20, 3)
    with pytest.raises(FormatError):
        listed(bytes(volume))


def test_cut_and_corrupted_catalogues_raise_nothing_else() -> None:
    volume = with_shadow_copies(bytes(SIZE), [OLD, NEW])
    numbers = random.Random(3)
    outcomes = set()
    places = [at for at, byte in enumerate(volume) if byte]
    for _ in range(2000):
        damaged = bytearray(volume)
        for _ in range(numbers.choice((1, 2, 8))):
            damaged[numbers.choice(places)] = numbers.choice((0, 0x7F, 0x80, 0xFF))
        cut = numbers.randrange(len(volume)) if numbers.random() < 0.3 else None
        try:
            outcomes.add(len(listed(bytes(damaged[:cut]))))
        except BuildlabError:
            outcomes.add(-1)
    assert {-1, 0, 2} <= outcomes
