"""The hive writer against python-registry always, and against hivex where it is installed."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from Registry import Registry

from tests.kit.hive import (
    KEY_SYMLINK,
    REG_LINK,
    REG_NONE,
    Key,
    SubkeyList,
    Value,
    binary,
    checksum,
    dword,
    multi_sz,
    qword,
    sz,
    tree_from_dict,
    write_hive,
)

needs_hivex = pytest.mark.skipif(
    shutil.which("hivexsh") is None, reason="hivexsh (Debian: libhivex-bin) is not installed"
)


def sample() -> Key:
    root = tree_from_dict(
        {
            "Microsoft\\Windows NT\\CurrentVersion": {
                "CurrentBuild": "6003",
                "InstallDate": 1240000000,
                "Digits": bytes(range(40)),
                "List": ["one", "", "two"],
                "UBR": dword("", -112),
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
    root.ensure("Beta").class_name = "a class"
    root.ensure("alpha").set(Value("empty", REG_NONE, b""), binary("five", b"12345"), binary("four", b"1234"))
    return root


def opened(data: bytes) -> Registry.Registry:
    return Registry.Registry(io.BytesIO(data))


def same(key: Registry.RegistryKey, expected: Key) -> int:
    """Compare two trees, values as raw bytes; the number of keys compared."""
    assert {value.name() for value in key.values()} == {value.name or "(default)" for value in expected.values}
    for value in expected.values:
        read = key.value(value.name or "(default)")
        assert read.value_type() == value.type
        assert read.raw_data() == value.data
    read_keys = {child.name(): child for child in key.subkeys()}
    assert sorted(read_keys) == sorted(child.name for child in expected.subkeys)
    return 1 + sum(same(read_keys[child.name], child) for child in expected.subkeys)


@pytest.mark.parametrize("minor", [3, 5])
@pytest.mark.parametrize("subkey_list", [None, "lf", "lh", "li", "ri"])
def test_python_registry_reads_back_every_key_and_value(minor: int, subkey_list: SubkeyList | None) -> None:
    root = sample()
    data = write_hive(root, minor=minor, subkey_list=subkey_list, list_limit=2)
    assert same(opened(data).root(), root) == sum(1 for _ in root.walk())


def test_base_block_and_bins_are_sound() -> None:
    data = write_hive(sample(), file_name="\\SystemRoot\\System32\\Config\\SOFTWARE", sequence=(9, 9), slack=8192)
    size = int.from_bytes(data[40:44], "little")
    assert (data[:4], len(data), size % 4096) == (b"regf", 4096 + size + 8192, 0)
    assert int.from_bytes(data[508:512], "little") == checksum(data)
    assert data[48:110].decode("utf-16-le").endswith("System32\\Config\\SOFTWARE")
    at = 0
    while at < size:
        head = 4096 + at
        assert data[head : head + 4] == b"hbin"
        assert int.from_bytes(data[head + 4 : head + 8], "little") == at
        end = at + int.from_bytes(data[head + 8 : head + 12], "little")
        cell = at + 32
        while cell < end:
            length = abs(int.from_bytes(data[4096 + cell : 4100 + cell], "little", signed=True))
            assert length >= 8
            assert length % 8 == 0
            cell += length
        assert cell == end
        at = end


@pytest.mark.parametrize("size", [16344, 16345, 32688, 32689, 100_000])
@pytest.mark.parametrize("minor", [3, 5])
def test_big_values(minor: int, size: int) -> None:
    data = bytes(number * 7 % 251 for number in range(size))
    hive = opened(write_hive(Key("ROOT", [binary("big", data)]), minor=minor))
    assert hive.root().value("big").raw_data() == data


def test_subkeys_are_sorted_by_upper_case_name() -> None:
    names = ["b", "A", "_", "a_", "B1", "AB"]
    root = Key("ROOT", subkeys=[Key(name) for name in names])
    assert [key.name() for key in opened(write_hive(root)).root().subkeys()] == ["A", "AB", "a_", "b", "B1", "_"]


def test_a_long_list_is_split_under_an_index_root() -> None:
    root = Key("ROOT", subkeys=[Key(f"Package_{number:05}") for number in range(1500)])
    hive = write_hive(root)
    listed = int.from_bytes(hive[4096 + 0x20 + 4 + 28 :][:4], "little")
    assert hive[4096 + listed + 4 :][:4] == b"ri\x03\0"
    assert len(opened(hive).root().subkeys()) == 1500


def test_key_times_and_equal_bytes_for_equal_input() -> None:
    root = Key("ROOT", subkeys=[Key("K", written=0x01D4_F000_0000_0000)])
    assert opened(write_hive(root)).root().subkey("K").timestamp().year == 2019
    assert write_hive(sample()) == write_hive(sample())


def test_multi_strings_keep_empty_strings() -> None:
    value = multi_sz("x", ["\\??\\C:\\a", "", "\\??\\C:\\b", "!\\??\\C:\\c"])
    assert value.data.decode("utf-16-le") == "\\??\\C:\\a\0\0\\??\\C:\\b\0!\\??\\C:\\c\0\0"


def test_set_replaces_without_case_and_find_walks_paths() -> None:
    root = sample()
    key = root.find("microsoft\\WINDOWS NT\\currentversion")
    assert key is not None
    key.set(sz("currentbuild", "6002"))
    assert [value.name for value in key.values if value.name.upper() == "CURRENTBUILD"] == ["currentbuild"]
    assert root.find("Microsoft\\Nowhere") is None


@needs_hivex
@pytest.mark.parametrize("subkey_list", ["lf", "lh", "li", "ri"])
def test_hivex_reads_keys_and_values(tmp_path: Path, subkey_list: SubkeyList) -> None:
    path = tmp_path / "hive"
    path.write_bytes(write_hive(sample(), subkey_list=subkey_list, list_limit=3))
    script = "ls\ncd Microsoft\\Windows NT\\CurrentVersion\nlsval CurrentBuild\nlsval UBR\ncd \\alpha\nlsval\n"
    done = subprocess.run(["hivexsh", str(path)], input=script, capture_output=True, text=True, check=True)
    for word in ("Beta", "Microsoft", "Zeta", "alpha", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "6003", '"empty"'):
        assert word in done.stdout
    assert "-112" in done.stdout or "ffffff90" in done.stdout.lower() or str(0xFFFFFF90) in done.stdout


def test_six_thousand_packages_are_written_quickly() -> None:
    root = Key("ROOT")
    packages = root.ensure("Packages")
    for number in range(6000):
        values = [sz("InstallName", f"package_{number}.mum"), dword("CurrentState", 112), dword("Visibility", 2)]
        values += [sz(f"Value{index}", "text" * 4) for index in range(5)]
        packages.subkeys.append(
            Key(f"Package_{number}_for_KB{4000000 + number}~31bf3856ad364e35~amd64~~6.0.1.1", values)
        )
    root.set(binary("filler", bytes(20_000_000)))
    started = time.process_time()
    data = write_hive(root)
    assert time.process_time() - started < 3
    assert len(data) > 23_000_000
