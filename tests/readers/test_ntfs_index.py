"""Indexes of folders made by hand: what the tree of index records gives, and damage. Volumes that other programs wrote
are in `tests/sources/filesystems/test_ntfs_library.py`."""

import random
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.readers.mft_record import FOLDER_INDEX, INDEX_ALLOCATION, INDEX_ROOT, FileRecord
from buildlab.readers.ntfs_index import IndexedName, read_index
from tests.readers.test_mft_record import attribute, no_runs, record

FOLDER = 0x10000000


def entry(name: str, number: int = 50, *, flags: int = 0, namespace: int = 1, child: int | None = None) -> bytes:
    key = struct.pack("<56xI4xBB", flags, len(name.encode("utf-16-le")) // 2, namespace) + name.encode("utf-16-le")
    return raw_entry(1 << 48 | number, key, child)


def raw_entry(reference: int, key: bytes, child: int | None = None, *, last: bool = False) -> bytes:
    below = b"" if child is None else struct.pack("<Q", child)
    body = key.ljust(-(-len(key) // 8) * 8, b"\0")
    flags = (child is not None) | last << 1
    return struct.pack("<QHHH2x", reference, 16 + len(body) + len(below), len(key), flags) + body + below


def last(child: int | None = None) -> bytes:
    return raw_entry(0, b"", child, last=True)


def header(entries: bytes, gap: int = 0) -> bytes:
    return struct.pack("<IIII", 16 + gap, 16 + gap + len(entries), 16 + gap + len(entries), 0) + bytes(gap) + entries


def root(*entries: bytes, kind: int = 0x30, size: int = 1024) -> bytes:
    return struct.pack("<IIII", kind, 1, size, 1) + header(b"".join(entries))


def node(number: int, *entries: bytes, size: int = 1024) -> bytes:
    data = bytearray(struct.pack("<4sHHQQ", b"INDX", 40, size // 512 + 1, 0, number))
    data += header(b"".join(entries), gap=24)
    data = data.ljust(size, b"\0")
    data[40:42] = b"\x09\x00"
    for sector in range(size // 512):
        end = sector * 512 + 512
        data[42 + 2 * sector : 44 + 2 * sector] = data[end - 2 : end]
        data[end - 2 : end] = b"\x09\x00"
    return bytes(data)


NODES = {
    0: node(0, entry("a"), entry("b", 51, flags=FOLDER), last()),
    2: node(2, entry("d", child=4), last()),
    4: node(4, entry("c" * 200), last()),
}
ROOT = root(entry("b2", child=0), last(2))


def read(top: bytes, nodes: dict[int, bytes]) -> list[IndexedName]:
    def stored(number: int, size: int) -> bytes:
        return nodes.get(number, b"")[:size]

    return list(read_index(top, stored))


def test_names_come_in_the_order_of_the_tree() -> None:
    found = read(ROOT, NODES)
    assert [one[0] for one in found] == ["a", "b", "b2", "c" * 200, "d"]
    assert [name for name, _, is_folder in found if is_folder] == ["b"]
    assert found[1][1] == 1 << 48 | 51


def test_short_names_of_dos_are_left_out() -> None:
    names = (entry("Program Files", namespace=1), entry("PROGRA~1", namespace=2), entry("BOTH", namespace=3))
    assert [one[0] for one in read(root(*names, entry("posix", namespace=0), last()), {})] == [
        "Program Files",
        "BOTH",
        "posix",
    ]


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is() -> None:
    key = struct.pack("<56xI4xBB", 0, 2, 0) + b"x\0\x00\xd8"
    assert read(root(raw_entry(1 << 48 | 9, key), last()), {})[0][0] == "x�"


@pytest.mark.parametrize(
    ("top", "nodes"),
    [
        (b"", {}),
        (root()[:31], {}),
        (root(last(), kind=0x90), {}),
        (root(last(), size=0), {}),
        (root(last(), size=1 << 20), {}),
        (root(entry("no end")), {}),
        (ROOT[:-8], NODES),
        (ROOT, {}),
        (ROOT, NODES | {2: node(3, last())}),
        (ROOT, NODES | {2: NODES[2][:512]}),
        (ROOT, NODES | {2: b"BAAD" + NODES[2][4:]}),
        (ROOT, NODES | {2: NODES[2][:510] + b"\xff\xff" + NODES[2][512:]}),
        (ROOT, NODES | {4: node(4, entry("again", child=2), last())}),
        (root(last(0)), {0: node(0, last(0))}),
        (root(raw_entry(5, b"short"), last()), {}),
        (root(raw_entry(5, struct.pack("<56xI4xBB", 0, 200, 1) + b"x\0"), last()), {}),
        (root(struct.pack("<QHHH2x", 1, 16, 0, 1), last()), {}),
        (root(struct.pack("<QHHH2x", 1, 0, 0, 0), last()), {}),
    ],
)
def test_damaged_indexes(top: bytes, nodes: dict[int, bytes]) -> None:
    with pytest.raises(FormatError):
        read(top, nodes)


def test_a_chain_of_nodes_that_is_too_deep() -> None:
    chain = {number: node(number, entry("x", child=number + 1), last()) for number in range(100)}
    with pytest.raises(FormatError, match="levels"):
        read(root(last(0)), chain)


def test_random_damage() -> None:
    numbers = random.Random(1)
    for _ in range(3000):
        top, nodes = bytearray(ROOT), {number: bytearray(data) for number, data in NODES.items()}
        for _ in range(numbers.choice((1, 3, 20))):
            part = numbers.choice((top, *nodes.values()))
            part[numbers.randrange(len(part))] = numbers.choice((0, 1, 2, 16, 0x7F, 0xFF, numbers.randrange(256)))
        try:
            read(bytes(top), {number: bytes(data) for number, data in nodes.items()})
        except BuildlabError:
            continue


def named(kind: int, value: bytes, name: str, *, outside: tuple[int, int, bytes] | None = None) -> bytes:
    """An attribute with a name; `outside` is its first and last virtual cluster, and its runs."""
    text = name.encode("utf-16-le")
    if outside is None:
        place = -(-(24 + len(text)) // 8) * 8
        head = struct.pack("<BBHHHIHH", 0, len(name), 24, 0, 0, len(value), place, 0) + text
        body = head.ljust(place - 8, b"\0") + value
    else:
        first, final, runs = outside
        place = -(-(64 + len(text)) // 8) * 8
        head = struct.pack("<BBHHHQQH6xQQQ", 1, len(name), 64, 0, 0, first, final, place, 0, 4096, 4096) + text
        body = head.ljust(place - 8, b"\0") + runs + b"\0"
    size = -(-(8 + len(body)) // 8) * 8
    return struct.pack("<II", kind, size) + body.ljust(size - 8, b"\0")


OTHER_INDEX = named(0x90, b"other", "$SDH")
ROOT_OF_NAMES = named(0x90, ROOT, "$I30")


def listed(kind: int, first: int, number: int) -> bytes:
    return struct.pack("<IHBBQQH", kind, 32, 0, 26, first, 5 << 48 | number, 0).ljust(32, b"\0")


def test_the_index_of_a_folder_in_its_own_record() -> None:
    stored = record(OTHER_INDEX, ROOT_OF_NAMES, named(0xA0, b"", "$I30", outside=(0, 2, b"\x11\3\5")))
    folder = FileRecord(9, {9: stored}.__getitem__, no_runs)
    allocation = folder.stream(INDEX_ALLOCATION, FOLDER_INDEX)
    assert folder.value(INDEX_ROOT, FOLDER_INDEX) == ROOT
    assert allocation is not None and allocation.runs == [(5, 3)]


def test_an_allocation_whose_runs_lie_in_several_records() -> None:
    """Listed in the wrong order, and one of them twice."""
    lists = listed(0xA0, 3, 41) + listed(0xA0, 0, 40) + listed(0xA0, 3, 41)
    records = {
        9: record(attribute(0x20, lists), ROOT_OF_NAMES),
        40: record(named(0xA0, b"", "$I30", outside=(0, 2, b"\x11\3\5")), base=9, sequence=5),
        41: record(named(0xA0, b"", "$I30", outside=(3, 4, b"\x11\2\x60")), base=9, sequence=5),
    }
    found = FileRecord(9, records.__getitem__, no_runs).stream(INDEX_ALLOCATION, FOLDER_INDEX)
    assert found is not None and found.runs == [(5, 3), (0x60, 2)]
    for odd, said in (
        (record(named(0xA0, b"", "$I30", outside=(0, 1, b"\x11\2\5")), base=9, sequence=5), "gap"),
        (record(named(0xA0, b"", "$I30", outside=(1, 2, b"\x11\2\5")), base=9, sequence=5), "first part"),
        (record(named(0xA0, b"", "$I30", outside=(0, 2, b"\x11\3\5")), base=8, sequence=5), "no part of file"),
    ):
        with pytest.raises(FormatError, match=said):
            FileRecord(9, (records | {40: odd}).__getitem__, no_runs).stream(INDEX_ALLOCATION, FOLDER_INDEX)
