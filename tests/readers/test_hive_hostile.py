"""Hives made to harm: cut, flipped, in circles, and small ones that promise much. Only FormatError may come out."""

import random
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.hive import Hive, HiveKey, open_hive
from tests.kit.hive import Key, SubkeyList, Value, binary, dword, sz, write_hive
from tests.readers.hive_walk import bulk_equals_single, rows, walk

BINS = 4096


def tree() -> Key:
    root = Key("ROOT", [sz("a", "text"), binary("big", bytes(range(256)) * 100)])
    for number in range(12):
        inner = [Key(f"s{index}", [dword("n", index)]) for index in range(3)]
        root.subkeys.append(Key(f"Key_{number}", [sz("InstallName", "x" * number), dword("State", number)], inner))
    root.subkeys.append(Key("\N{CYRILLIC CAPITAL LETTER ZHE}", [sz("\N{GREEK SMALL LETTER ALPHA}", "wide")]))
    return root


def read_all(data: bytes) -> int:
    """Everything that can be asked of a hive; the number of keys. Raises FormatError where it cannot be opened."""
    hive = open_hive(data)
    faults: list[FormatError] = []
    found = rows(hive, faults)
    for key in walk(hive, faults):
        key.bulk_read(child="s1")
        for name in ("InstallName", "absent"):
            try:
                key.value(name)
                key.subkey(name)
            except FormatError:
                continue
    return len(found)


def survives(data: bytes) -> bool:
    started = time.process_time()
    try:
        read_all(data)
    except FormatError as error:
        assert error.format == "hive"
    return time.process_time() - started < 5


SAMPLES: list[tuple[int, SubkeyList]] = [(3, "lf"), (5, "lh"), (5, "li"), (5, "ri")]


@pytest.mark.parametrize(("minor", "subkey_list"), SAMPLES)
def test_cut_at_many_offsets(minor: int, subkey_list: SubkeyList) -> None:
    data = write_hive(tree(), minor=minor, subkey_list=subkey_list, list_limit=4)
    for length in (*range(0, 600, 37), *range(4000, len(data), 211)):
        assert survives(data[:length]), length


@pytest.mark.parametrize(("minor", "subkey_list"), SAMPLES)
def test_flipped_bytes(minor: int, subkey_list: SubkeyList) -> None:
    data = write_hive(tree(), minor=minor, subkey_list=subkey_list, list_limit=4)
    numbers = random.Random(f"{minor}{subkey_list}")
    used = [offset for offset in range(BINS, len(data)) if data[offset]]
    for _ in range(150):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 3, 30))):
            spoilt[numbers.choice(used)] = numbers.randrange(256)
        assert survives(bytes(spoilt))


@given(changes=st.dictionaries(st.integers(0, 12_000), st.binary(min_size=1, max_size=4), max_size=20))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_any_bytes_anywhere(changes: dict[int, bytes]) -> None:
    data = bytearray(write_hive(tree(), subkey_list="ri", list_limit=4))
    for offset, content in changes.items():
        data[offset : offset + len(content)] = content
    assert survives(bytes(data))


@given(st.binary(max_size=2000))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_bins_behind_a_sound_base_block(content: bytes) -> None:
    data = write_hive(tree())
    assert survives(data[: BINS + 32] + content + data[BINS + 32 + len(content) :])


def patched(change: Callable[[bytearray, HiveKey], None], *, subkey_list: SubkeyList = "lh", limit: int = 4) -> Hive:
    """The sample with `change` made at its root key."""
    data = bytearray(write_hive(tree(), subkey_list=subkey_list, list_limit=limit))
    change(data, open_hive(bytes(data)).root)
    return open_hive(bytes(data))


def word(data: bytearray, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "little")


def put(data: bytearray, offset: int, number: int) -> None:
    struct.pack_into("<I", data, offset, number)


def list_offset(data: bytearray, key: HiveKey) -> int:
    """File offset of the content of a key's subkey list."""
    return BINS + word(data, key.offset + 28) + 4


def cell_of(key: HiveKey) -> int:
    return key.offset - BINS - 4


def test_a_list_that_names_its_own_key_ends() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        put(data, list_offset(data, root) + 4, cell_of(root))

    hive = patched(change, limit=100)
    assert len(list(hive.root.subkeys())) == 13
    assert hive.key("ROOT\\ROOT\\ROOT") is not None
    assert len(rows(hive)) < 60
    bulk_equals_single(hive.root)


def test_a_list_that_names_the_parent_ends() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        child = root.subkey("Key_3")
        assert child is not None
        put(data, list_offset(data, child) + 4, cell_of(root))

    hive = patched(change, limit=100)
    assert hive.key("Key_3\\ROOT\\Key_3\\ROOT") is not None
    assert len(rows(hive)) < 60


def test_a_path_through_a_circle_is_bounded() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        put(data, list_offset(data, root) + 4, cell_of(root))

    hive = patched(change, limit=100)
    with pytest.raises(FormatError):
        hive.key("\\".join(["ROOT"] * 513))


def test_an_index_that_names_itself_is_refused() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        put(data, list_offset(data, root) + 4, word(data, root.offset + 28))

    hive = patched(change, subkey_list="ri")
    faults: list[FormatError] = []
    assert len(list(hive.root.subkeys(faults))) == 9
    assert any("is no list of subkeys" in fault.reason for fault in faults)


def test_an_index_of_indexes_is_refused() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        child = root.subkey("Key_5")
        assert child is not None
        for index in range(4):
            put(data, list_offset(data, root) + 4 + 4 * index, word(data, child.offset + 28))

    hive = patched(change, subkey_list="ri")
    faults: list[FormatError] = []
    assert list(hive.root.subkeys(faults)) == []
    assert faults


def test_an_index_that_names_one_list_twice_gives_it_once() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        start = list_offset(data, root)
        put(data, start + 8, word(data, start + 4))

    faults: list[FormatError] = []
    names = [key.name for key in patched(change, subkey_list="ri").root.subkeys(faults)]
    assert len(names) == len(set(names)) == 9
    assert "names one list twice" in faults[0].reason


@pytest.mark.parametrize("count", [0xFFFFFFFE, 0x7FFFFFFF, 0x10000, 14, 12])
def test_a_wrong_count_of_subkeys_is_a_fault(count: int) -> None:
    hive = patched(lambda data, root: put(data, root.offset + 20, count))
    faults: list[FormatError] = []
    assert len(list(hive.root.subkeys(faults))) == 13
    assert faults
    assert len(hive.root.bulk_read().keys) == 13


def test_a_count_of_all_ones_is_none() -> None:
    hive = patched(lambda data, root: put(data, root.offset + 20, 0xFFFFFFFF))
    assert list(hive.root.subkeys()) == []


def test_a_list_longer_than_its_cell_gives_what_fits() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        struct.pack_into("<H", data, list_offset(data, root) + 2, 0xFFFF)

    faults: list[FormatError] = []
    found = list(patched(change, limit=100).root.subkeys(faults))
    assert len(found) <= 15
    assert "has room for" in faults[0].reason


@pytest.mark.parametrize("count", [0xFFFFFFFE, 0x7FFFFFFF, 5_000_000, 100_000])
def test_a_huge_count_of_values_is_a_fault(count: int) -> None:
    hive = patched(lambda data, root: put(data, root.offset + 36, count))
    with pytest.raises(FormatError):
        list(hive.root.values())
    with pytest.raises(FormatError):
        hive.root.value("a")


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0x7FFFFFFE, 100 << 20, 40_000, 0x80000005, 0xFFFFFFFF])
def test_a_wrong_length_of_data_is_a_fault(length: int) -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        value = root.value("big")
        assert value is not None
        put(data, value.offset + 4, length)

    with pytest.raises(FormatError):
        patched(change).root.value("big")


@pytest.mark.parametrize("segments", [0, 1, 3, 0xFFFF])
def test_big_data_in_a_wrong_number_of_segments_is_a_fault(segments: int) -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        value = root.value("big")
        assert value is not None
        record = BINS + word(data, value.offset + 8) + 4
        assert data[record : record + 2] == b"db"
        struct.pack_into("<H", data, record + 2, segments)

    with pytest.raises(FormatError, match="segments"):
        patched(change).root.value("big")


@pytest.mark.parametrize("cell", [0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 1 << 20])
@pytest.mark.parametrize("field", [28, 40])
def test_lists_outside_the_hive_are_faults(field: int, cell: int) -> None:
    hive = patched(lambda data, root: put(data, root.offset + field, cell))
    with pytest.raises(FormatError):
        list(hive.root.subkeys() if field == 28 else hive.root.values())


def test_one_damaged_child_does_not_hide_the_others() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        child = root.subkey("Key_3")
        assert child is not None
        data[child.offset : child.offset + 2] = b"xx"

    hive = patched(change)
    faults: list[FormatError] = []
    assert len(list(hive.root.subkeys(faults))) == 12
    assert [fault.format for fault in faults] == ["hive"]
    bulk = hive.root.bulk_read()
    assert (len(bulk.keys), len(bulk.faults)) == (12, 1)
    assert hive.root.subkey("Key_5") is not None
    assert hive.damage
    with pytest.raises(FormatError):
        hive.root.subkey("Key_3")


def test_a_name_longer_than_its_cell_is_a_fault() -> None:
    def change(data: bytearray, root: HiveKey) -> None:
        struct.pack_into("<H", data, root.offset + 72, 0xFFFF)

    data = bytearray(write_hive(tree()))
    change(data, open_hive(bytes(data)).root)
    with pytest.raises(FormatError, match="name of 65535 bytes"):
        _ = open_hive(bytes(data)).root


def test_the_entries_of_a_list_are_bounded() -> None:
    data = write_hive(tree(), list_limit=100)
    faults: list[FormatError] = []
    found = list(open_hive(data, limits=Limits(hive_list_entries=5)).root.subkeys(faults))
    assert len(found) == 5
    assert "more than 5 subkeys" in faults[0].reason


def shared(keys: int, values: int, size: int) -> bytes:
    """A hive whose keys all have one list of values, and whose values all have one cell of data."""
    names = [Key(f"k{number:05}", [dword("a", 1)]) for number in range(keys)]
    content = [binary(f"v{number:06}", b"x" * 8) for number in range(values)]
    names.append(Key("zz", [*content, binary("big", b"y" * size)]))
    data = bytearray(write_hive(Key("ROOT", subkeys=names), minor=3))
    hive = open_hive(bytes(data))
    last = hive.key("zz")
    assert last is not None
    big = last.value("big")
    assert big is not None
    for key in hive.root.subkeys():
        data[key.offset + 36 : key.offset + 44] = data[last.offset + 36 : last.offset + 44]
    for value in list(last.values()):
        data[value.offset + 4 : value.offset + 12] = data[big.offset + 4 : big.offset + 12]
    return bytes(data)


def test_a_bulk_read_gives_no_more_bytes_than_the_hive_has() -> None:
    data = shared(100, 100, 10_000)
    tracemalloc.start()
    try:
        bulk = open_hive(data).root.bulk_read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert sum(len(value.raw) for key in bulk.keys for value in key.values.values()) <= len(data)
    assert bulk.faults


def test_a_bulk_read_visits_no_more_values_than_the_hive_can_hold() -> None:
    data = shared(1000, 2000, 10)
    started = time.process_time()
    bulk = open_hive(data).root.bulk_read(frozenset({"absent"}))
    assert time.process_time() - started < 5
    assert bulk.faults


def test_looking_for_one_value_does_not_copy_the_data_of_all_others() -> None:
    key = open_hive(shared(0, 20_000, 400_000)).key("zz")
    assert key is not None
    started = time.process_time()
    assert key.value("absent") is None
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("field", ["subkeys", "values"])
def test_faults_are_bounded_too(field: str) -> None:
    """A list of a few bytes an entry must not become an exception an entry."""
    names = [Key(f"k{number:06}") for number in range(20_000)]
    content = [Value(f"v{number:06}", 4, b"") for number in range(20_000)]
    data = bytearray(write_hive(Key("ROOT", content if field == "values" else [], names if field == "subkeys" else [])))
    record = b"vk" if field == "values" else b"nk"
    start = open_hive(bytes(data)).root.offset + 2
    data[start:] = data[start:].replace(record, b"xx")
    hive = open_hive(bytes(data))
    faults: list[FormatError] = []
    tracemalloc.start()
    try:
        found = list(hive.root.subkeys(faults)) if field == "subkeys" else list(hive.root.values(faults))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found, bool(faults)) == ([], True)
    assert peak < 8_000_000


def test_a_bulk_read_visits_no_more_children_than_the_hive_can_hold() -> None:
    keys = [Key(f"k{number:05}", subkeys=[Key("a")]) for number in range(800)]
    keys.append(Key("zz", subkeys=[Key(f"s{number:06}") for number in range(1200)]))
    data = bytearray(write_hive(Key("ROOT", subkeys=keys)))
    root = open_hive(bytes(data)).root
    last = root.subkey("zz")
    assert last is not None
    for key in root.subkeys():
        for field in (20, 28):
            data[key.offset + field : key.offset + field + 4] = data[last.offset + field : last.offset + field + 4]
    started = time.process_time()
    bulk = open_hive(bytes(data)).root.bulk_read(child="Owners")
    assert time.process_time() - started < 5
    assert bulk.faults
