"""Differencing VHDX disks, which only the kit can make: the parent is found, told by its identity, and read through."""

import random
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    MissingParentError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.target import open_target
from tests.kit import vhdx as kit
from tests.kit.vhdx import FULL, PARTIAL, Block, Vhdx, blocks_of, differing_blocks, locator_for, with_log
from tests.sources.containers.opened_vhdx import FILES, MIB, assert_same, disk_content, disk_of, opened

BASE = disk_content(6 * MIB)
BASE_ID = UUID("11111111-0000-4000-8000-00000000000b")
CHILD_ID = UUID("22222222-0000-4000-8000-00000000000c")


@pytest.fixture(autouse=True)
def parents_are_closed() -> Iterator[None]:
    yield
    FILES.close()


def changed(disk: bytes, seed: int, sector: int = 512) -> bytes:
    """The disk with single sectors, stretches and one whole block of it rewritten; the third block is left alone."""
    numbers = random.Random(seed)
    data = bytearray(disk)
    for _ in range(60):
        start = numbers.randrange(len(data) // sector) * sector
        if start // MIB != 2:
            length = min(numbers.choice((1, 1, 2, 8, 100)) * sector, (start // MIB + 1) * MIB - start)
            data[start : start + length] = numbers.randbytes(length)
    data[MIB : 2 * MIB] = numbers.randbytes(MIB)
    return bytes(data)


CHILD = changed(BASE, 1)


def base(folder: Path, name: str = "base.vhdx", identity: UUID = BASE_ID) -> Path:
    path = folder / name
    path.write_bytes(Vhdx(size=len(BASE), blocks=blocks_of(BASE), identity=identity).written())
    return path


def child_image(disk: bytes = CHILD, parent: bytes = BASE, *, sector_size: int = 512, **fields: object) -> Vhdx:
    blocks = differing_blocks(disk, parent, sector_size=sector_size)
    sample = Vhdx(
        size=len(disk),
        blocks=blocks,
        sector_size=sector_size,
        identity=CHILD_ID,
        locator=locator_for(BASE_ID, r".\base.vhdx"),
    )
    return replace(sample, **fields)  # type: ignore[arg-type]


def child(folder: Path, image: Vhdx | None = None, name: str = "child.vhdx") -> Path:
    path = folder / name
    path.write_bytes((image or child_image()).written())
    return path


def test_the_sample_has_blocks_of_every_kind() -> None:
    states = [block.state for block in child_image().blocks.values()]
    assert FULL in states
    assert PARTIAL in states
    assert len(states) < 6


def test_sectors_come_from_child_or_parent(tmp_path: Path) -> None:
    base(tmp_path)
    container = opened(child(tmp_path))
    assert container.disk is not None
    assert (container.damage, container.identity) == ((), str(CHILD_ID))
    assert [check.detail for check in container.checks] == ["the log is empty", "base.vhdx: the log is empty"]
    assert_same(container.disk, CHILD, 4096)


def test_sectors_of_4096_bytes(tmp_path: Path) -> None:
    disk = changed(BASE, 2, 4096)
    path = tmp_path / "base.vhdx"
    path.write_bytes(Vhdx(size=len(BASE), blocks=blocks_of(BASE), identity=BASE_ID, sector_size=4096).written())
    assert_same(disk_of(child(tmp_path, child_image(disk, sector_size=4096))), disk)


@pytest.mark.parametrize("number", [0, 1, 4095, 4096, 4097, 8191])
def test_the_bitmap_of_each_chunk_is_its_own(tmp_path: Path, number: int) -> None:
    """Sector 5 of one block far into the disk; the parent has nothing there."""
    base(tmp_path)
    content = bytearray(b"\xee" * MIB)
    content[5 * 512 : 6 * 512] = b"own sector".ljust(512, b"!")
    image = child_image(size=8192 * MIB, blocks={number: Block(PARTIAL, bytes(content), frozenset({5}))})
    below = BASE.ljust(8 * MIB, b"\0")[number * MIB : (number + 1) * MIB] or bytes(MIB)
    expected = below[: 5 * 512] + content[5 * 512 : 6 * 512] + below[6 * 512 :]
    disk = disk_of(child(tmp_path, image))
    assert disk.read_at(number * MIB, MIB) == expected
    assert disk.read_at(number * MIB + 5 * 512 - 7, 526) == expected[5 * 512 - 7 :][:526]


def test_states_of_zeros_hide_the_parent(tmp_path: Path) -> None:
    base(tmp_path)
    states = {0: kit.ZERO, 1: kit.UNMAPPED, 2: kit.UNDEFINED}
    image = child_image(BASE, blocks={number: Block(state) for number, state in states.items()})
    assert_same(disk_of(child(tmp_path, image)), bytes(3 * MIB) + BASE[3 * MIB :])


@pytest.mark.parametrize("size", [3 * MIB, 9 * MIB])
def test_a_disk_may_be_smaller_or_larger_than_its_parent(tmp_path: Path, size: int) -> None:
    base(tmp_path)
    disk = changed(BASE.ljust(size, b"\0")[:size], 4)
    assert_same(disk_of(child(tmp_path, child_image(disk))), disk)


def test_a_chain_whose_members_have_logs(tmp_path: Path) -> None:
    grandchild = changed(CHILD, 9)
    first = base(tmp_path)
    whole = first.read_bytes()
    block = struct.unpack_from("<Q", whole, Vhdx(size=0).entry_offset(0))[0] & ~0xFFFFF
    page = whole[block : block + 4096]
    first.write_bytes(with_log(whole[:block] + bytes(4096) + whole[block + 4096 :], [[(block, page)]]))
    child(tmp_path)
    last = child_image(grandchild, CHILD, locator=locator_for(CHILD_ID, "child.vhdx"), identity=UUID(int=7))
    container = opened(child(tmp_path, last, "last.vhdx"))
    assert container.disk is not None
    assert [check.outcome for check in container.checks] == ["ok", "ok", "replayed"]
    assert container.checks[2].detail.startswith("child.vhdx: base.vhdx: entries 1 to 1")
    assert_same(container.disk, grandchild, 4096)


@pytest.mark.parametrize(
    "stated",
    [r"C:\VMs\base.vhdx", r"..\..\BASE.VHDX", "/etc/../base.vhdx", r"\\?\Volume{9}\base.vhdx", "base.vhdx"],
)
def test_only_the_name_of_a_stated_path_counts(tmp_path: Path, stated: str) -> None:
    base(tmp_path)
    for names in ((stated,), ("elsewhere.vhdx", stated), ("a", "b", stated)):
        image = child_image(locator=locator_for(BASE_ID, *names))
        assert_same(disk_of(child(tmp_path, image)), CHILD)


def test_a_path_that_leads_outside_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    outside = base(tmp_path)
    for stated in (str(outside), "../base.vhdx", r"..\base.vhdx"):
        image = child_image(locator=locator_for(BASE_ID, stated))
        with pytest.raises(MissingParentError):
            opened(child(inside, image))


def test_the_parent_may_be_named_by_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    named = base(folder, "any name.bin")
    base(tmp_path, identity=UUID(int=1))
    assert_same(disk_of(child(tmp_path), parents=(tmp_path / "nothing", folder, named)), CHILD)
    with open_target(str(tmp_path / "child.vhdx"), parents=(named,)) as target:
        assert not isinstance(target.error, MissingParentError)


@pytest.mark.parametrize("text", [f"{{{BASE_ID}}}".upper(), str(BASE_ID)])
@pytest.mark.parametrize("key", ["parent_linkage", "parent_linkage2"])
def test_either_linkage_names_the_identity(tmp_path: Path, key: str, text: str) -> None:
    base(tmp_path)
    locator = {"parent_linkage": f"{{{UUID(int=9)}}}", key: text, "relative_path": "base.vhdx"}
    assert_same(disk_of(child(tmp_path, child_image(locator=locator))), CHILD)


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    image = child_image(locator=locator_for(BASE_ID, r"..\gone\base.vhdx", "x.vhdx"))
    with open_target(str(child(tmp_path, image))) as target:
        assert isinstance(target.error, MissingParentError)
        assert r"..\\gone\\base.vhdx" in target.error.message
        assert str(BASE_ID) in target.error.message
        assert target.volumes == ()


def test_another_disk_with_the_name_of_the_parent_is_not_taken(tmp_path: Path) -> None:
    base(tmp_path, identity=UUID(int=1))
    other = tmp_path / "other.bin"
    other.write_bytes(b"no disk at all")
    with pytest.raises(MissingParentError, match=r"'base\.vhdx'.*other\.bin \(another disk\), base\.vhdx \(another"):
        opened(child(tmp_path, child_image(locator=locator_for(BASE_ID, "base.vhdx"))), parents=(other,))


def test_a_disk_that_states_no_name_or_a_long_one(tmp_path: Path) -> None:
    for names in ((), ("",), ("x" * 30_000,), ("..",), ("\x1b[31m\0",)):
        with pytest.raises(MissingParentError) as caught:
            opened(child(tmp_path, child_image(locator=locator_for(BASE_ID, *names))))
        assert len(caught.value.message) < 600
        assert caught.value.message.isprintable()


def test_a_disk_that_is_its_own_parent(tmp_path: Path) -> None:
    image = child_image(locator=locator_for(CHILD_ID, "child.vhdx"))
    with pytest.raises(FormatError, match="back to itself"):
        opened(child(tmp_path, image))


def test_two_disks_that_are_each_others_parents(tmp_path: Path) -> None:
    child(tmp_path)
    image = child_image(identity=BASE_ID, locator=locator_for(CHILD_ID, "child.vhdx"))
    with pytest.raises(FormatError, match="back to itself"):
        opened(child(tmp_path, image, "base.vhdx"))


def test_a_chain_that_is_too_long(tmp_path: Path) -> None:
    base(tmp_path, "0.vhdx", UUID(int=100))
    for number in range(1, 5):
        locator = locator_for(UUID(int=99 + number), f"{number - 1}.vhdx")
        image = child_image(BASE, identity=UUID(int=100 + number), locator=locator)
        child(tmp_path, image, f"{number}.vhdx")
    last = tmp_path / "4.vhdx"
    assert_same(disk_of(last, limits=replace(DEFAULT_LIMITS, parent_chain=4)), BASE)
    with pytest.raises(LimitExceededError):
        opened(last, limits=replace(DEFAULT_LIMITS, parent_chain=3))


def test_many_possible_parents_are_looked_at_once_each(tmp_path: Path) -> None:
    """Each names the next as its parent; none is that of the child, and no order of them is tried."""
    paths = []
    for number in range(12):
        image = child_image(BASE, identity=UUID(int=number + 1), locator=locator_for(UUID(int=99), "gone.vhdx"))
        paths.append(child(tmp_path, image, f"{number}.vhdx"))
    started = time.process_time()
    with pytest.raises(MissingParentError):
        opened(child(tmp_path), parents=tuple(paths))
    assert time.process_time() - started < 3


def test_a_cut_parent_is_damage_with_its_path(tmp_path: Path) -> None:
    path = base(tmp_path)
    path.write_bytes(path.read_bytes()[: -MIB // 2])
    container = opened(child(tmp_path))
    assert container.disk is not None
    assert [(type(fault), fault.path) for fault in container.damage] == [(TruncatedError, str(path))]
    with pytest.raises(TruncatedError):
        container.disk.read_at(0, len(CHILD))


def test_a_parent_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = base(tmp_path)
    path.write_bytes(path.read_bytes()[: 2 * MIB])
    with pytest.raises(TruncatedError) as caught:
        opened(child(tmp_path))
    assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", FormatError),
        (bytes(10), FormatError),
        (kit.parent_locator({}, UUID(int=4)), UnsupportedContentError),
        (kit.LOCATOR_VHDX.bytes_le + struct.pack("<HH", 0, 0xFFFF), FormatError),
        (kit.LOCATOR_VHDX.bytes_le + struct.pack("<HHIIHH", 0, 1, 1 << 30, 0, 4, 4), FormatError),
        (kit.LOCATOR_VHDX.bytes_le + struct.pack("<HHIIHH", 0, 1, 0, 0xFFFFFFFF, 4, 0xFFFF), FormatError),
        (kit.parent_locator({"parent_linkage": "{no guid}", "relative_path": "base.vhdx"}), FormatError),
        (kit.parent_locator({"relative_path": "base.vhdx"}), MissingParentError),
    ],
)
def test_impossible_parent_locators(tmp_path: Path, data: bytes, error: type[BuildlabError]) -> None:
    base(tmp_path)
    image = child_image(metadata={kit.PARENT_LOCATOR: (data, 4)})
    with pytest.raises(error):
        opened(child(tmp_path, image))


def test_a_partial_block_needs_its_bitmap(tmp_path: Path) -> None:
    base(tmp_path)
    image = child_image()
    partial = next(number for number, block in image.blocks.items() if block.state == PARTIAL)
    place = image.table_offset + 8 * image.ratio
    for entry, error in ((0, FormatError), (6, FormatError), (6 | 1 << 40, TruncatedError)):
        data = bytearray(image.written())
        struct.pack_into("<Q", data, place, entry)
        path = tmp_path / "child.vhdx"
        path.write_bytes(data)
        container = opened(path)
        assert container.disk is not None
        assert bool(container.damage) == (error is TruncatedError)
        with pytest.raises(error):
            container.disk.read_at(partial * MIB, 512)


def test_cut_or_changed_anywhere_it_gives_errors_of_ours(tmp_path: Path) -> None:
    base(tmp_path)
    data = child_image().written()
    numbers = random.Random(8)
    path = tmp_path / "child.vhdx"
    for _ in range(60):
        spoilt = bytearray(data[: numbers.choice((len(data), numbers.randrange(len(data))))])
        for _ in range(numbers.choice((1, 5, 40))):
            at = numbers.choice((2 * MIB + numbers.randrange(260), 2 * MIB + 0x10000 + numbers.randrange(300)))
            if at < len(spoilt):
                spoilt[at] = numbers.randrange(256)
        path.write_bytes(spoilt or b"vhdxfile")
        try:
            disk = opened(path).disk
            assert disk is not None
            disk.read_at(0, 2 * MIB)
        except BuildlabError:
            continue
        except AssertionError:
            assert not spoilt.startswith(b"vhdxfile")
