"""VDI disks by qemu-img, differencing ones made from them, and damaged ones."""

import random
import struct
import time
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
from buildlab.sources.containers.vdi import VDI
from tests.conftest import FindTool
from tests.sources.containers.disk_images import (
    assert_same,
    disk_of,
    open_bytes,
    open_image,
    random_disk,
    readable_pieces,
    run,
)

MIB = 1 << 20
RAW = random_disk(7 * MIB + 33 * 512)
FREE, ZERO = 0xFFFFFFFF, 0xFFFFFFFE


def converted(folder: Path, find_tool: FindTool, static: str = "off", raw: bytes = RAW, name: str = "disk.vdi") -> Path:
    source, image = folder / "disk.raw", folder / name
    source.write_bytes(raw)
    tool = find_tool("qemu-img", "qemu-utils")
    run(tool, "convert", "-f", "raw", "-O", "vdi", "-o", f"static={static}", source, image)
    return image


@pytest.mark.parametrize("static", ["off", "on"])
def test_what_qemu_img_converts(static: str, tmp_path: Path, find_tool: FindTool) -> None:
    with open_image(VDI, converted(tmp_path, find_tool, static)) as opened:
        assert_same(disk_of(opened), RAW)
        assert opened.damage == ()


def test_a_disk_that_was_written_to_in_random_order(tmp_path: Path, find_tool: FindTool) -> None:
    image, out = tmp_path / "disk.vdi", tmp_path / "out"
    tool, writer = find_tool("qemu-img", "qemu-utils"), find_tool("qemu-io", "qemu-utils")
    run(tool, "create", "-f", "vdi", image, "40M")
    numbers = random.Random(4)
    for _ in range(30):
        run(writer, "-c", f"write -P {numbers.randrange(256)} {numbers.randrange(39 * MIB)} 60000", image)
    run(tool, "convert", "-f", "vdi", "-O", "raw", image, out)
    with open_image(VDI, image) as opened:
        assert_same(disk_of(opened), out.read_bytes())


def vdi_bytes(blocks: list[bytes | int], /, **changes: int) -> bytes:
    """A VDI with blocks of 4 KiB: their bytes, FREE, or ZERO. `changes` are fields of the header."""
    fields: dict[str, int] = {
        "version": 0x00010001, "header_size": 400, "type": 1, "map": 512, "data": 4096, "size": 4096 * len(blocks),
        "block_size": 4096, "extra": 0, "blocks": len(blocks),
    }  # fmt: skip
    uuids = {392: 1, 408: 5, 424: 0, 440: 0}
    for name, offset in (("uuid", 392), ("state", 408), ("parent", 424), ("parent_state", 440)):
        uuids[offset] = changes.pop(name, uuids[offset])
    assert changes.keys() <= fields.keys()
    fields |= changes
    stored = [block for block in blocks if isinstance(block, bytes)]
    entries = iter(range(len(stored)))
    table = [block if isinstance(block, int) else next(entries) for block in blocks]
    data = bytearray(4096)
    struct.pack_into("<IIII", data, 64, 0xBEDA107F, fields["version"], fields["header_size"], fields["type"])
    struct.pack_into("<II", data, 340, fields["map"], fields["data"])
    struct.pack_into("<QIIII", data, 368, *(fields[name] for name in ("size", "block_size", "extra", "blocks")), 0)
    for offset, number in uuids.items():
        data[offset : offset + 16] = UUID(int=number).bytes_le
    struct.pack_into(f"<{len(table)}I", data, 512, *table)
    return bytes(data) + b"".join(b"\xee" * fields["extra"] + block for block in stored)


BLOCKS = [random.Random(number).randbytes(4096) for number in range(4)]


@pytest.mark.parametrize("extra", [0, 512])
def test_free_discarded_and_stored_blocks(extra: int) -> None:
    opened = open_bytes(VDI, vdi_bytes([BLOCKS[0], FREE, BLOCKS[1], ZERO], extra=extra))
    assert disk_of(opened).read_at(0, 1 << 20) == BLOCKS[0] + bytes(4096) + BLOCKS[1] + bytes(4096)
    assert opened.identity == str(UUID(int=1))
    assert opened.damage == ()


def family(folder: Path, **changes: int) -> Path:
    """A differencing disk on another on a base, in one folder, under names that say nothing."""
    (folder / "c.vdi").write_bytes(vdi_bytes([BLOCKS[0], BLOCKS[1], BLOCKS[2], FREE], uuid=1))
    (folder / "a.VDI").write_bytes(vdi_bytes([FREE, BLOCKS[3], FREE, FREE], uuid=2, parent=1, type=4, parent_state=5))
    child = folder / "b.vdi"
    fields = {"uuid": 3, "parent": 2, "type": 4, "parent_state": 5} | changes
    child.write_bytes(vdi_bytes([ZERO, FREE, FREE, BLOCKS[0]], **fields))
    return child


def test_a_differencing_chain(tmp_path: Path) -> None:
    with open_image(VDI, family(tmp_path)) as opened:
        assert disk_of(opened).read_at(0, 1 << 20) == bytes(4096) + BLOCKS[3] + BLOCKS[2] + BLOCKS[0]
        assert opened.damage == ()


def test_a_child_of_a_disk_by_qemu_img(tmp_path: Path, find_tool: FindTool) -> None:
    """The child is the file of an empty disk, its type, parent and map changed."""
    base = converted(tmp_path, find_tool, name="base.vdi")
    child = converted(tmp_path, find_tool, raw=bytes(len(RAW)), name="child.vdi")
    data = bytearray(child.read_bytes())
    data[76] = 4
    data[424:440] = base.read_bytes()[392:408]
    child.write_bytes(data)
    with open_image(VDI, child) as opened:
        assert_same(disk_of(opened), RAW)


def test_the_parent_given_by_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    child = family(tmp_path)
    parents = tuple((tmp_path / name).rename(folder / name) for name in ("c.vdi", "a.VDI"))
    with open_image(VDI, child, parents) as opened:
        assert disk_of(opened).read_at(4096, 4096) == BLOCKS[3]


def test_a_missing_parent_is_named_and_a_wrong_one_is_not_taken(tmp_path: Path) -> None:
    child = family(tmp_path, parent=99)
    with pytest.raises(MissingParentError, match=str(UUID(int=99))), open_image(VDI, child, (tmp_path / "c.vdi",)):
        pass


def test_a_parent_that_was_changed_is_damage(tmp_path: Path) -> None:
    with open_image(VDI, family(tmp_path, parent_state=6)) as opened:
        (damage,) = opened.damage
        assert "changed" in damage.message


@pytest.mark.parametrize("parent", [2, 3])
def test_loops(parent: int, tmp_path: Path) -> None:
    child = family(tmp_path, parent=parent)
    (tmp_path / "a.VDI").write_bytes(vdi_bytes([FREE] * 4, uuid=2, parent=3, type=4))
    with pytest.raises(FormatError, match="back to itself"), open_image(VDI, child):
        pass


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"version": 1}, UnsupportedContentError),
        ({"version": 0x00020000}, UnsupportedContentError),
        ({"header_size": 0}, FormatError),
        ({"type": 0}, FormatError),
        ({"type": 3}, UnsupportedContentError),
        ({"type": 5}, FormatError),
        ({"type": 4}, FormatError),
        ({"map": 0xFFFFFFFF}, TruncatedError),
        ({"block_size": 0}, FormatError),
        ({"block_size": 256}, FormatError),
        ({"block_size": 5000}, FormatError),
        ({"blocks": 3}, FormatError),
        ({"size": 1 << 50}, LimitExceededError),
        ({"size": (1 << 64) - 1}, LimitExceededError),
        ({"size": 64 << 40, "block_size": 512, "blocks": 0xFFFFFFFF}, FormatError),
        ({"size": 1 << 40, "block_size": 512, "blocks": 0xFFFFFFFF}, LimitExceededError),
        ({"size": 64 << 40, "block_size": 1 << 20, "blocks": 0xFFFFFFFF}, TruncatedError),
    ],
)
def test_headers_that_cannot_be(changes: dict[str, int], error: type[BuildlabError]) -> None:
    with pytest.raises(error):
        open_bytes(VDI, vdi_bytes([BLOCKS[0], FREE, BLOCKS[1], ZERO], **changes))


def test_blocks_behind_the_end_are_damage_and_an_error_of_that_block() -> None:
    opened = open_bytes(VDI, vdi_bytes([BLOCKS[0], 0x7FFFFFFF, BLOCKS[1], FREE]))
    assert [type(damage) for damage in opened.damage] == [TruncatedError]
    assert disk_of(opened).read_at(0, 4096) == BLOCKS[0]
    with pytest.raises(TruncatedError):
        disk_of(opened).read_at(4096, 1)


def test_one_block_at_two_places_is_damage() -> None:
    opened = open_bytes(VDI, vdi_bytes([BLOCKS[0], 0, BLOCKS[1], FREE]))
    assert [type(damage) for damage in opened.damage] == [FormatError]


def test_cut_anywhere_it_says_so_and_what_is_read_is_right() -> None:
    data, raw = vdi_bytes([BLOCKS[0], FREE, BLOCKS[1], ZERO]), BLOCKS[0] + bytes(4096) + BLOCKS[1] + bytes(4096)
    for length in range(70, len(data), 61):
        try:
            opened = open_bytes(VDI, data[:length])
        except TruncatedError:
            continue
        assert opened.damage, length
        for offset, piece in readable_pieces(disk_of(opened), 512):
            assert piece == raw[offset : offset + 512], (length, offset)


def test_flipped_bytes_give_errors_of_ours() -> None:
    data, numbers, started = vdi_bytes([BLOCKS[0], FREE, BLOCKS[1], ZERO]), random.Random(2), time.process_time()
    for _ in range(1500):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 2, 8))):
            spoilt[numbers.choice((numbers.randrange(68, 84), numbers.randrange(340, 530)))] = numbers.randrange(256)
        try:
            disk = disk_of(open_bytes(VDI, bytes(spoilt)))
            disk.read_at(0, 20_000)
            disk.read_at(max(0, disk.size - 4096), 4096)
        except BuildlabError:
            continue
    assert time.process_time() - started < 60
