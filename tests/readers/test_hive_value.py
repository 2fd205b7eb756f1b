"""Decoding of registry data, lenient where Windows is."""

import struct

import pytest

from buildlab.readers import hive_value as v
from buildlab.readers.hive_value import HiveValue


def value(type_: int, raw: bytes) -> HiveValue:
    return HiveValue("name", type_, raw, 0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("6003\0".encode("utf-16-le"), "6003"),
        ("6003".encode("utf-16-le"), "6003"),
        ("6003\0".encode("utf-16-le") + b"\0", "6003"),
        ("6003\0rest\0".encode("utf-16-le"), "6003"),
        ("6003".encode("utf-16-le") + b"x", "6003"),
        (b"", ""),
        (b"x", ""),
        (b"\0\xd8a\0", "\N{REPLACEMENT CHARACTER}a"),
    ],
)
@pytest.mark.parametrize("type_", [v.REG_SZ, v.REG_EXPAND_SZ, v.REG_LINK])
def test_strings(type_: int, raw: bytes, text: str) -> None:
    assert value(type_, raw).text == text


@pytest.mark.parametrize(
    ("type_", "raw", "number"),
    [
        (v.REG_DWORD, struct.pack("<I", 0xFFFFFF90), 0xFFFFFF90),
        (v.REG_DWORD, b"\1\2\3\4\5", 0x04030201),
        (v.REG_DWORD, b"\1\2\3", None),
        (v.REG_DWORD, b"", None),
        (v.REG_DWORD_BIG_ENDIAN, b"\0\0\1\2", 0x102),
        (v.REG_QWORD, struct.pack("<Q", 1 << 40), 1 << 40),
        (v.REG_QWORD, b"\1\2\3\4", None),
        (v.REG_SZ, "5\0".encode("utf-16-le"), None),
        (v.REG_BINARY, b"\1\2\3\4", None),
    ],
)
def test_numbers(type_: int, raw: bytes, number: int | None) -> None:
    assert value(type_, raw).number == number


@pytest.mark.parametrize(
    ("type_", "raw", "quad"),
    [
        (v.REG_QWORD, struct.pack("<Q", 131995296000000000), 131995296000000000),
        (v.REG_BINARY, struct.pack("<Q", 131995296000000000), 131995296000000000),
        (v.REG_BINARY, bytes(7), None),
        (v.REG_DWORD, bytes(8), None),
    ],
)
def test_eight_bytes_as_a_number(type_: int, raw: bytes, quad: int | None) -> None:
    assert value(type_, raw).quad == quad


@pytest.mark.parametrize(
    ("text", "strings"),
    [
        ("a\0b\0\0", ("a", "b")),
        ("a\0b\0", ("a", "b")),
        ("a\0b", ("a", "b")),
        ("a\0\0b\0\0", ("a", "", "b")),
        ("a\0\0\0", ("a", "")),
        ("\0a\0\0", ("", "a")),
        ("\0\0", ("",)),
        ("\0", ()),
        ("", ()),
    ],
)
def test_lists_of_strings(text: str, strings: tuple[str, ...]) -> None:
    assert value(v.REG_MULTI_SZ, text.encode("utf-16-le")).strings == strings


@pytest.mark.parametrize("type_", [v.REG_NONE, v.REG_BINARY, v.REG_DWORD, v.REG_MULTI_SZ, 0xFFF])
def test_other_types_are_no_text(type_: int) -> None:
    assert value(type_, "a\0".encode("utf-16-le")).text is None


@pytest.mark.parametrize("type_", [v.REG_SZ, v.REG_BINARY, 7 | 0x1000])
def test_other_types_are_no_list(type_: int) -> None:
    assert value(type_, "a\0\0".encode("utf-16-le")).strings is None
