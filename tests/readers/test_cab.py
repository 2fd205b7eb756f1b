"""Cabinets of the kit: what is in them, in one go and at random, names, sets, signatures, and what is refused."""

import random
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    PathNotFoundError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.cab import Cabinet, open_cabinet
from tests.kit.cab import (
    BLOCK,
    LZX_15,
    LZX_21,
    MSZIP,
    NONE,
    QUANTUM,
    Block,
    CabWriter,
    File,
    Folder,
    blocks_of,
    cabinet,
    cabinet_set,
)
from tests.kit.signing import sign_cabinet, stored_cabinet

METHODS = {"none": NONE, "mszip": MSZIP, "lzx 15": LZX_15, "lzx 21": LZX_21}
NUMBERS = random.Random(11)
CONTENTS = {
    "first.txt": b"some words " * 60,
    "folder\\noise.bin": NUMBERS.randbytes(2 * BLOCK + 4567),
    "empty": b"",
    "zeros": bytes(5 * BLOCK),
    "größe.txt": "ü".encode(),
    "last.bin": NUMBERS.randbytes(33_333),
}


class Counted:
    """A source that counts the bytes read from it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.read = 0

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        data = self._data[offset : offset + length]
        self.read += len(data)
        return data


def opened(data: bytes, **options: object) -> Cabinet:
    return open_cabinet(MemoryBytes(data), **options)  # type: ignore[arg-type]


def contents(found: Cabinet) -> dict[str, bytes]:
    return {member.name: b"".join(pieces) for member, pieces in found.walk()}


def errors(found: Cabinet) -> dict[str, type[BuildlabError] | None]:
    """What each member raises when it is read."""
    outcome: dict[str, type[BuildlabError] | None] = {}
    for member in found.members:
        try:
            assert len(found.open(member).read_at(0, member.size)) == member.size
            outcome[member.name] = None
        except BuildlabError as error:
            outcome[member.name] = type(error)
    return outcome


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_members_and_their_content(method: int) -> None:
    found = opened(cabinet(CONTENTS, method).bytes())
    assert [member.name for member in found.members] == list(CONTENTS)
    assert [member.size for member in found.members] == [len(content) for content in CONTENTS.values()]
    assert {member.modified for member in found.members} == {datetime(2009, 7, 14, 7, 26, 8)}
    assert {member.hazards for member in found.members} == {()}
    assert contents(found) == CONTENTS
    assert {member.name: found.open(member).read_at(0, member.size) for member in found.members} == CONTENTS
    assert found.damage == ()
    assert found.compressions() == ("none" if method == NONE else "mszip" if method == MSZIP else "lzx",)


@pytest.mark.parametrize("kept", [1, 3 * BLOCK, 32 << 20])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_reads_at_random(method: int, kept: int) -> None:
    content = NUMBERS.randbytes(70 * BLOCK + 99)
    found = opened(cabinet({"a": b"x" * 1000, "b": content}, method).bytes(), limits=replace_kept(kept))
    source = found.open(found.members[1])
    numbers = random.Random(kept)
    for _ in range(25):
        offset, length = numbers.randrange(len(content)), numbers.randrange(3 * BLOCK)
        assert source.read_at(offset, length) == content[offset : offset + length]
    assert source.read_at(len(content), 10) == b""
    assert source.read_at(-1, 10) == b""


def replace_kept(kept: int) -> object:
    return replace(DEFAULT_LIMITS, cab_kept_bytes=kept)


def test_opening_reads_the_tables_alone() -> None:
    data = cabinet({"a": NUMBERS.randbytes(3_000_000)}, NONE).bytes()
    source = Counted(data)
    open_cabinet(source)
    assert source.read < 70_000


def test_a_walk_reads_each_block_once() -> None:
    data = cabinet({f"{number}": NUMBERS.randbytes(100_000) for number in range(20)}, LZX_21).bytes()
    source = Counted(data)
    found = open_cabinet(source, limits=replace(DEFAULT_LIMITS, cab_kept_bytes=1))
    source.read = 0
    assert sum(len(piece) for _, pieces in found.walk() for piece in pieces) == 2_000_000
    assert source.read < len(data) * 1.01


def test_going_back_in_mszip_decodes_only_a_little_again() -> None:
    content = NUMBERS.randbytes(200 * BLOCK)
    source = Counted(cabinet({"a": content}, MSZIP).bytes())
    found = open_cabinet(source, limits=replace(DEFAULT_LIMITS, cab_kept_bytes=1))
    member = found.open(found.members[0])
    assert member.read_at(0, len(content)) == content
    source.read = 0
    assert member.read_at(150 * BLOCK, 10) == content[150 * BLOCK : 150 * BLOCK + 10]
    assert source.read < 33 * (BLOCK + 100)


def test_members_that_overlap() -> None:
    content = NUMBERS.randbytes(3 * BLOCK)
    files = [File(b"b", 2 * BLOCK, BLOCK), File(b"a", 3 * BLOCK, 0), File(b"c", 5, 2 * BLOCK - 2)]
    found = opened(CabWriter([Folder(MSZIP, blocks_of(content, MSZIP))], files).bytes())
    expected = {"a": content, "b": content[BLOCK:], "c": content[2 * BLOCK - 2 : 2 * BLOCK + 3]}
    assert contents(found) == expected


def test_pieces_that_are_not_taken() -> None:
    found = opened(cabinet(CONTENTS, LZX_15).bytes())
    assert [b"".join(pieces) for member, pieces in found.walk() if member.name == "last.bin"] == [CONTENTS["last.bin"]]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_reserved_areas(method: int) -> None:
    writer = cabinet(CONTENTS, method)
    writer.reserve, writer.folder_reserve, writer.block_reserve = b"header", b"abc", b"block"
    found = opened(writer.bytes())
    assert found.header.reserve == b"header"
    assert contents(found) == CONTENTS


def test_a_cabinet_in_a_cabinet() -> None:
    inner = cabinet(CONTENTS, LZX_21).bytes()
    middle = cabinet({"readme": b"x" * 5000, "inner.cab": inner}, MSZIP).bytes()
    outer = opened(cabinet({"middle.cab": middle}, LZX_15).bytes())
    opened_middle = open_cabinet(outer.open(outer.members[0]))
    assert contents(open_cabinet(opened_middle.open(opened_middle.members[1]))) == CONTENTS


def test_a_cabinet_inside_other_bytes() -> None:
    data = b"x" * 777 + cabinet(CONTENTS, MSZIP).bytes() + b"behind"
    found = opened(data, base=777)
    assert contents(found) == CONTENTS
    assert found.bytes_behind() == 6


def test_the_signature_behind() -> None:
    plain = stored_cabinet("update.mum", b"<assembly/>")
    signed = sign_cabinet(plain)
    for base in (0, 100):
        found = opened(bytes(base) + signed, base=base)
        assert found.signature() == signed[len(plain) :]
        assert found.bytes_behind() == len(signed) - len(plain)
    assert opened(cabinet(CONTENTS).bytes()).signature() is None
    with pytest.raises(LimitExceededError):
        opened(signed, limits=replace(DEFAULT_LIMITS, signature_bytes=10)).signature()
    with pytest.raises(TruncatedError):
        opened(signed[:-9]).signature()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_memory_does_not_grow_with_the_content(method: int) -> None:
    size = 400 * BLOCK
    blocks = [replace(block, checksum=0) for block in blocks_of(NUMBERS.randbytes(BLOCK) * 400, method)]
    writer = CabWriter([Folder(method, blocks)], [File(b"1", size), File(b"2", size)])
    source = MemoryBytes(writer.bytes())
    tracemalloc.start()
    found = open_cabinet(source, limits=replace(DEFAULT_LIMITS, cab_kept_bytes=1 << 18))
    assert sum(len(piece) for _, pieces in found.walk() for piece in pieces) == 2 * size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size * 2 // 3


class TestSets:
    CUTS = ((1, 0), (2, 700), (2, 200), (5, 0))

    def part(self, parts: dict[str, bytes]) -> Callable[[str], ByteSource | None]:
        return lambda name: MemoryBytes(parts[name]) if name in parts else None

    @pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
    @pytest.mark.parametrize("start", range(5))
    def test_any_part_finds_the_others(self, method: int, start: int) -> None:
        parts = cabinet_set(CONTENTS, method, self.CUTS)
        found = opened(parts[f"part{start}.cab"], open_part=self.part(parts))
        assert (found.parts, found.damage) == (5, ())
        assert [member.name for member in found.members] == list(CONTENTS)
        assert contents(found) == CONTENTS

    @pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
    def test_a_missing_part_takes_only_what_lies_in_it(self, method: int) -> None:
        parts = cabinet_set(CONTENTS, method, self.CUTS)
        del parts["part4.cab"]
        found = opened(parts["part2.cab"], open_part=self.part(parts))
        assert [type(error) for error in found.damage] == [PathNotFoundError]
        outcome = errors(found)
        assert outcome["zeros"] is PathNotFoundError
        assert {outcome[name] for name in ("first.txt", "folder\\noise.bin", "empty")} == {None}

    def test_the_last_part_alone(self) -> None:
        parts = cabinet_set(CONTENTS, MSZIP, self.CUTS)
        found = opened(parts["part4.cab"])
        assert {one for name, one in errors(found).items() if name != "empty"} == {PathNotFoundError}

    def test_a_cabinet_of_another_set_is_not_taken(self) -> None:
        parts = cabinet_set(CONTENTS, MSZIP, self.CUTS)
        parts["part1.cab"] = parts["part3.cab"]
        found = opened(parts["part0.cab"], open_part=self.part(parts))
        assert (found.parts, [type(error) for error in found.damage]) == (1, [FormatError])

    def test_a_part_that_cannot_be_opened_is_missing(self) -> None:
        def refuse(name: str) -> ByteSource | None:
            raise TruncatedError("no")

        found = opened(cabinet_set(CONTENTS, NONE, self.CUTS)["part0.cab"], open_part=refuse)
        assert [type(error) for error in found.damage] == [TruncatedError]

    def test_a_ring_of_cabinets_ends(self) -> None:
        ring = cabinet({"a": b"x"}, NONE)
        ring.next = ring.previous = (b"ring.cab", b"")
        data = ring.bytes()
        found = opened(data, open_part=lambda name: MemoryBytes(data))
        assert (found.parts, len(found.damage)) == (1, 2)

    def test_a_folder_that_goes_on_otherwise_compressed(self) -> None:
        parts = cabinet_set(CONTENTS, MSZIP, [(1, 0)])
        data = bytearray(parts["part1.cab"])
        at = data.index(b"disk\0") + 5
        data[at + 6] = NONE
        found = opened(parts["part0.cab"], open_part=lambda name: MemoryBytes(bytes(data)))
        assert [type(error) for error in found.damage] == [FormatError]
        assert errors(found)["zeros"] is PathNotFoundError


class TestRefusals:
    def writer(self, *folders: Folder) -> CabWriter:
        return CabWriter(list(folders), [File(b"%d" % number, 10, 0, number) for number in range(len(folders))])

    def sound(self) -> Folder:
        return Folder(MSZIP, blocks_of(b"0123456789", MSZIP))

    def test_a_bad_folder_does_not_hide_the_others(self) -> None:
        stored = blocks_of(b"0123456789", NONE)
        bad = {
            UnsupportedContentError: Folder(QUANTUM, stored),
            FormatError: Folder(MSZIP, stored),
            TruncatedError: Folder(NONE, stored, blocks_at=1 << 20),
        }
        found = opened(self.writer(self.sound(), *bad.values(), self.sound()).bytes())
        assert list(errors(found).values()) == [None, *bad, None]
        assert found.compressions() == ("mszip", "quantum", "mszip", "none", "mszip")

    @pytest.mark.parametrize(
        ("folder", "says"),
        [
            (Folder(MSZIP, [Block(b"CK\3\0", 0x8001)]), "32769"),
            (Folder(NONE, [Block(bytes(BLOCK + 6145), BLOCK)]), "38913 bytes"),
            (Folder(NONE, [Block(b"0123456789", 11)]), "stored: 10 bytes"),
            (Folder(NONE, [Block(b"", 0), Block(b"0123456789", 10)]), "holds nothing"),
            (Folder(NONE, [Block(b"0123456789", 0)]), "inside a split data block"),
            (Folder(NONE, [Block(b"0123", 4)]), "ends after 4 bytes"),
            (Folder(NONE, []), "ends after 0 bytes"),
            (Folder(NONE, [Block(b"0123456789", 10, checksum=7)]), "does not have its checksum"),
            (Folder(0x1603, blocks_of(b"0123456789", LZX_21)), "2\\^22|window"),
            (Folder(0x0E03, blocks_of(b"0123456789", LZX_15)), "window"),
            (Folder(4, blocks_of(b"0123456789", NONE)), "compression 0x0004"),
        ],
    )
    def test_blocks_that_cannot_be(self, folder: Folder, says: str) -> None:
        found = opened(self.writer(folder).bytes())
        with pytest.raises(FormatError, match=says):
            found.open(found.members[0]).read_at(0, 10)

    def test_a_checksum_of_zero_is_none(self) -> None:
        found = opened(self.writer(Folder(NONE, [Block(b"0123456789", 10, checksum=0)])).bytes())
        assert contents(found) == {"0": b"0123456789"}

    @pytest.mark.parametrize(("method", "after"), [(NONE, None), (MSZIP, FormatError), (LZX_15, FormatError)])
    def test_what_a_bad_block_leaves(self, method: int, after: type[BuildlabError] | None) -> None:
        blocks = blocks_of(NUMBERS.randbytes(3 * BLOCK), method)
        blocks[1] = replace(blocks[1], checksum=1)
        files = [File(b"%d" % number, BLOCK, number * BLOCK) for number in range(3)]
        found = opened(CabWriter([Folder(method, blocks)], files).bytes())
        for _ in range(2):
            assert errors(found) == {"0": None, "1": FormatError, "2": after}

    def test_a_folder_that_is_not_there(self) -> None:
        writer = self.writer(self.sound())
        writer.files.append(File(b"lost", 10, 0, 7))
        writer.files.append(File(b"from before", 10, 0, 0xFFFD))
        assert errors(opened(writer.bytes())) == {"0": None, "lost": FormatError, "from before": FormatError}

    @pytest.mark.parametrize(
        ("stated", "error"),
        [
            ({"folders": 0}, FormatError),
            ({"files": 0}, FormatError),
            ({"files_at": 35}, FormatError),
            ({"files_at": 1 << 31}, FormatError),
            ({"folders": 65535}, TruncatedError),
        ],
    )
    def test_headers_that_cannot_be(self, stated: dict[str, int], error: type[BuildlabError]) -> None:
        writer = self.writer(self.sound())
        writer.stated = stated
        with pytest.raises(error):
            opened(writer.bytes())

    def test_more_files_than_there_are(self) -> None:
        writer = self.writer(self.sound())
        writer.stated = {"files": 3}
        found = opened(writer.bytes())
        assert found.damage
        assert found.members[0].name == "0"

    def test_no_cabinet(self) -> None:
        with pytest.raises(FormatError):
            opened(b"MZ" + bytes(100))
        with pytest.raises(TruncatedError):
            opened(b"MSCF")

    def test_another_version_is_said(self) -> None:
        writer = self.writer(self.sound())
        writer.version = (1, 2)
        found = opened(writer.bytes())
        assert [str(error) for error in found.damage] == ["cab: states version 2.1 (at offset 0x18)"]
        assert errors(found) == {"0": None}

    def test_impossible_times(self) -> None:
        writer = self.writer(self.sound())
        writer.files = [replace(writer.files[0], date=0), replace(writer.files[0], time=0xFFFF)]
        assert [member.modified for member in opened(writer.bytes()).members] == [None, None]


class TestBounds:
    def test_decoded_bytes(self) -> None:
        limits = replace(DEFAULT_LIMITS, cab_free_bytes=100_000, cab_ratio=1)
        found = opened(cabinet({"a": bytes(1_000_000)}, MSZIP).bytes(), limits=limits)
        with pytest.raises(LimitExceededError, match="100000"):
            contents(found)

    def test_folders_that_share_their_blocks(self) -> None:
        """Each would be walked anew; that alone counts too."""
        content = b"".join(NUMBERS.randbytes(1) for _ in range(2000))
        shared = [Block(content[at : at + 1], 1) for at in range(2000)]
        writer = CabWriter([Folder(NONE, shared)], [])
        count = 200
        writer.folders += [Folder(NONE, [], stated_blocks=2000) for _ in range(count)]
        writer.files = [File(b"%d" % number, 1, 1999, number) for number in range(count)]
        first = len(writer.bytes()) - 2000 * 9
        for folder in writer.folders:
            folder.blocks_at = first
        limits = replace(DEFAULT_LIMITS, cab_free_bytes=10_000_000, cab_ratio=1)
        with pytest.raises(LimitExceededError):
            contents(opened(writer.bytes(), limits=limits))

    def test_members_and_blocks(self) -> None:
        with pytest.raises(LimitExceededError):
            opened(cabinet(CONTENTS).bytes(), limits=replace(DEFAULT_LIMITS, cab_members=5))
        found = opened(cabinet(CONTENTS).bytes(), limits=replace(DEFAULT_LIMITS, cab_folder_blocks=3))
        with pytest.raises(LimitExceededError):
            contents(found)

    def test_parts(self) -> None:
        parts = cabinet_set(CONTENTS, NONE, TestSets.CUTS)
        limits = replace(DEFAULT_LIMITS, cab_parts=3)
        found = opened(parts["part0.cab"], open_part=lambda name: MemoryBytes(parts[name]), limits=limits)
        assert (found.parts, [type(error) for error in found.damage]) == (3, [LimitExceededError])
