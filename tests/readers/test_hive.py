"""Hives of the kit, read as python-registry reads them."""

import struct

import pytest

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.hive import HiveCheck, open_hive
from buildlab.readers.hive_log import HiveLog
from tests.kit.hive import (
    KEY_SYMLINK,
    REG_LINK,
    REG_NONE,
    Key,
    SubkeyList,
    Value,
    base_block,
    binary,
    checksum,
    dword,
    multi_sz,
    qword,
    sz,
    tree_from_dict,
    write_hive,
)
from tests.readers.hive_walk import bulk_equals_single, oracle_rows, rows, walk

LISTS: list[SubkeyList] = ["lf", "lh", "li", "ri"]


def sample() -> Key:
    root = tree_from_dict(
        {
            "Microsoft\\Windows NT\\CurrentVersion": {
                "CurrentBuild": "6003",
                "InstallDate": 1240000000,
                "Digits": bytes(range(40)),
                "List": ["one", "", "two"],
                "State": dword("", -112),
                "Time": qword("", 0x1CA0000_12345678),
            },
            "Zeta": {"\N{GREEK SMALL LETTER ALPHA} value": "wide", "": "default"},
            "alpha": {},
            "Beta": {"Gamma": {"Delta": {"x": "y"}}},
            "\N{CYRILLIC CAPITAL LETTER ZHE}": {"in": "wide key"},
            "caf\N{LATIN SMALL LETTER E WITH ACUTE}": {},
        }
    )
    root.ensure("Link").flags = KEY_SYMLINK
    root.ensure("Link").set(Value("SymbolicLinkValue", REG_LINK, "\\Registry\\Machine".encode("utf-16-le")))
    root.ensure("alpha").set(Value("empty", REG_NONE, b""), *(binary(str(size), b"12345"[:size]) for size in range(6)))
    root.ensure("Stamped").written = 0x01D4_F000_0000_0001
    return root


@pytest.mark.parametrize("minor", [3, 5])
@pytest.mark.parametrize("subkey_list", LISTS)
def test_every_key_is_what_python_registry_gives(minor: int, subkey_list: SubkeyList) -> None:
    data = write_hive(sample(), minor=minor, subkey_list=subkey_list, list_limit=2)
    faults: list[FormatError] = []
    assert rows(open_hive(data), faults) == oracle_rows(data)
    assert faults == []


@pytest.mark.parametrize("subkey_list", LISTS)
def test_the_model_reads_back(subkey_list: SubkeyList) -> None:
    root = sample()
    hive = open_hive(write_hive(root, subkey_list=subkey_list, list_limit=3))
    found = sorted((key.name, key.written, len(list(key.values()))) for key in walk(hive))
    assert found == sorted((key.name, key.written, len(key.values)) for key in root.walk())


@pytest.mark.parametrize("subkey_list", LISTS)
def test_the_bulk_read_gives_what_single_reads_give(subkey_list: SubkeyList) -> None:
    hive = open_hive(write_hive(sample(), subkey_list=subkey_list, list_limit=2))
    for key in walk(hive):
        bulk_equals_single(key)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 16343, 16344, 16345, 32688, 32689, 100_000])
@pytest.mark.parametrize("minor", [3, 4, 5])
def test_values_of_every_size(minor: int, size: int) -> None:
    content = bytes(number * 7 % 251 for number in range(size))
    data = write_hive(Key("ROOT", subkeys=[Key("K", [binary("big", content)])]), minor=minor)
    hive = open_hive(data)
    value = hive.root.subkey("K")
    assert value is not None
    found = value.value("big")
    assert found is not None
    assert found.raw == content
    assert hive.root.bulk_read().keys[0].values["big"].raw == content
    assert rows(hive) == oracle_rows(data)


def test_before_big_data_a_value_may_begin_like_a_record_of_it() -> None:
    content = b"db" + bytes(20_000)
    value = open_hive(write_hive(Key("ROOT", [binary("v", content)]), minor=3)).root.value("v")
    assert value is not None
    assert value.raw == content


def test_names_of_keys_and_values_ignore_case() -> None:
    hive = open_hive(write_hive(sample()))
    key = hive.key("MICROSOFT\\windows nt\\currentVERSION")
    assert key is not None
    assert key.path == "Microsoft\\Windows NT\\CurrentVersion"
    value = key.value("currentBUILD")
    assert value is not None
    assert value.text == "6003"
    assert hive.key("\N{CYRILLIC SMALL LETTER ZHE}") is not None


@pytest.mark.parametrize("path", ["Nowhere", "Beta\\Nowhere\\Delta", "Beta\\Gamma\\Delta\\x"])
def test_what_is_not_there_is_none(path: str) -> None:
    assert open_hive(write_hive(sample())).key(path) is None


def test_the_empty_path_is_the_root() -> None:
    root = open_hive(write_hive(sample())).key("")
    assert root is not None
    assert (root.name, root.path) == ("ROOT", "")


def test_the_default_value_has_no_name() -> None:
    key = open_hive(write_hive(sample())).key("Zeta")
    assert key is not None
    value = key.value("")
    assert value is not None
    assert value.text == "default"


def test_of_two_values_with_one_name_the_first_counts() -> None:
    root = Key("ROOT", subkeys=[Key("K", [sz("a", "first"), sz("a", "second")])])
    key = open_hive(write_hive(root)).root.subkey("K")
    assert key is not None
    value = key.value("A")
    assert value is not None
    assert value.text == "first"
    assert open_hive(write_hive(root)).root.bulk_read().keys[0].values["a"].text == "first"


def test_an_offset_is_that_of_the_record_in_the_file() -> None:
    data = write_hive(sample())
    key = open_hive(data).key("Beta")
    assert key is not None
    assert data[key.offset : key.offset + 2] == b"nk"
    value = open_hive(data).key("Zeta")
    assert value is not None
    assert all(data[item.offset : item.offset + 2] == b"vk" for item in value.values())


def test_a_predefined_handle_has_no_values() -> None:
    root = Key("ROOT", subkeys=[Key("K", [dword("a", 1)], flags=0x40)])
    hive = open_hive(write_hive(root))
    key = hive.root.subkey("K")
    assert key is not None
    assert list(key.values()) == []
    assert dict(hive.root.bulk_read().keys[0].values) == {}


def packages() -> Key:
    root = Key("Packages")
    for number in range(30):
        owners = Key("Owners", [dword(f"Owner_{index}", 1) for index in range(number % 3)])
        other = Key("Updates", [sz("x", "y")])
        values = [dword("CurrentState", 112), sz("InstallName", f"{number}.mum"), dword("currentSTATE2", 1)]
        root.subkeys.append(Key(f"Package_{number:02}", values, [other, owners] if number % 2 else [other]))
    return root


def test_the_bulk_read_keeps_to_the_names_asked_for() -> None:
    bulk = open_hive(write_hive(packages())).root.bulk_read(frozenset({"CURRENTSTATE", "absent"}))
    assert bulk.faults == ()
    assert {tuple(item.values) for item in bulk.keys} == {("CurrentState",)}
    assert len(bulk.keys) == 30


@pytest.mark.parametrize("child", ["Owners", "OWNERS", "owners"])
@pytest.mark.parametrize("subkey_list", LISTS)
def test_the_bulk_read_gives_the_value_names_of_one_child(child: str, subkey_list: SubkeyList) -> None:
    hive = open_hive(write_hive(packages(), subkey_list=subkey_list))
    names = {item.name: item.child_value_names for item in hive.root.bulk_read(child=child).keys}
    expected = {}
    for key in hive.root.subkeys():
        owners = key.subkey(child)
        expected[key.name] = () if owners is None else tuple(value.name for value in owners.values())
    assert names == expected
    assert any(names.values())


def test_a_child_that_nobody_has_gives_no_names() -> None:
    bulk = open_hive(write_hive(packages())).root.bulk_read(child="Absent")
    assert {item.child_value_names for item in bulk.keys} == {()}


def test_a_path_is_bounded() -> None:
    with pytest.raises(FormatError, match="600 keys"):
        open_hive(write_hive(sample())).key("\\".join(["a"] * 600))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "does not begin"),
        (b"regf", "cut inside its base block"),
        (b"regf" + bytes(507), "cut inside its base block"),
        (b"MZ" + bytes(5000), "does not begin"),
        (base_block(bins_size=4096), "cut"),
        (base_block(bins_size=4096)[:512], "cut"),
        (base_block(bins_size=4096, file_type=6) + bytes(4096), "transaction log"),
        (base_block(bins_size=4096, file_type=1) + bytes(4096), "transaction log"),
        (base_block(bins_size=0) + bytes(4096), "cut"),
    ],
)
def test_what_is_no_hive(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        open_hive(data)


def test_another_major_version_is_refused() -> None:
    data = bytearray(write_hive(sample()))
    struct.pack_into("<I", data, 20, 2)
    struct.pack_into("<I", data, 508, checksum(data))
    with pytest.raises(FormatError, match="version 2"):
        open_hive(bytes(data))


def test_the_size_is_bounded() -> None:
    data = write_hive(sample())
    with pytest.raises(FormatError, match="states a size"):
        open_hive(data, limits=Limits(hive_bytes=4095))


def test_a_clean_hive_has_two_good_checks() -> None:
    hive = open_hive(write_hive(sample(), sequence=(7, 7)))
    assert [(check.check, check.outcome) for check in hive.checks] == [("hive-checksum", "ok"), ("hive-sequence", "ok")]
    assert (hive.replayed, hive.is_stale, hive.missing_bytes, hive.damage) == (False, False, 0, ())


@pytest.mark.parametrize("replay", [True, False])
def test_a_dirty_hive_without_logs_is_read_as_it_is(replay: bool) -> None:
    data = write_hive(sample(), sequence=(8, 7))
    hive = open_hive(data, replay=replay)
    outcomes = {check.check: check.outcome for check in hive.checks}
    assert outcomes == {"hive-checksum": "ok", "hive-sequence": "damaged", "hive-log": "not-replayed"}
    assert hive.is_stale
    assert rows(hive) == rows(open_hive(write_hive(sample())))


def test_a_wrong_checksum_makes_a_hive_dirty() -> None:
    data = bytearray(write_hive(sample()))
    data[509] ^= 0xFF
    hive = open_hive(bytes(data))
    assert HiveCheck("hive-checksum", "damaged", "checksum of the base block is wrong") in hive.checks
    assert hive.is_stale


def test_a_clean_hive_is_never_touched_by_a_log() -> None:
    data = write_hive(sample(), sequence=(7, 7))
    logged = open_hive(data, [HiveLog("LOG1", write_hive(packages())), HiveLog("LOG2", b"junk")])
    assert not logged.replayed
    assert all(check.check != "hive-log" for check in logged.checks)
    assert rows(logged) == rows(open_hive(data))


def test_slack_behind_the_bins_is_ignored() -> None:
    data = write_hive(sample(), slack=8192)
    assert rows(open_hive(data)) == rows(open_hive(data[:-8192]))


def test_a_cut_hive_says_how_much_is_missing() -> None:
    data = write_hive(Key("ROOT", [binary("v", bytes(100_000))]), minor=3)
    hive = open_hive(data[:-5000])
    assert hive.missing_bytes == 5000
    with pytest.raises(FormatError):
        hive.root.value("v")


def test_multi_strings_keep_their_empty_strings() -> None:
    strings = ["\\??\\C:\\a", "", "\\??\\C:\\b", "!\\??\\C:\\c"]
    value = open_hive(write_hive(Key("ROOT", [multi_sz("x", strings)]))).root.value("x")
    assert value is not None
    assert value.strings == tuple(strings)
