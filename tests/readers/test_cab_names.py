"""Names of members: how they are decoded, and what is said of them."""

import tracemalloc

import pytest

from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.cab import CabMember, open_cabinet
from buildlab.readers.cab_names import NameHazard, decode_name
from tests.kit.cab import NONE, UTF8, CabWriter, File, Folder


@pytest.mark.parametrize(
    ("name", "hazards"),
    [
        ("update.mum", []),
        ("amd64_microsoft-windows-ucrt_31bf3856ad364e35_6.0.6002.19488_none\\ucrtbase.dll", []),
        ("a/b/c", []),
        ("$filehash$.manifest", []),
        (".hidden", []),
        ("", ["empty"]),
        ("\\windows\\x", ["absolute"]),
        ("/etc/passwd", ["absolute"]),
        ("\\\\server\\share\\x", ["absolute", "not-normal"]),
        ("\\\\?\\C:\\x", ["absolute", "not-normal", "reserved-character"]),
        ("C:x", ["drive", "reserved-character"]),
        ("c:\\x", ["drive", "reserved-character"]),
        ("..", ["parent"]),
        ("a\\..\\..\\b", ["parent"]),
        ("a/../b", ["parent"]),
        ("a\\.\\b", ["not-normal"]),
        ("a\\\\b", ["not-normal"]),
        ("folder\\", ["not-normal"]),
        ("a\nb", ["control-character"]),
        ("a\x9bb", ["control-character"]),
        ("file:stream", ["reserved-character"]),
        ("what?", ["reserved-character"]),
        ("end.", ["reserved-character"]),
        ("end \\b", ["reserved-character"]),
        ("NUL", ["device"]),
        ("a\\com1.txt", ["device"]),
        ("console", []),
        ("x" * 255, []),
        ("x" * 256, ["long"]),
    ],
)
def test_hazards(name: str, hazards: list[NameHazard]) -> None:
    assert decode_name(name.encode(), UTF8) == (name, tuple(hazards))


@pytest.mark.parametrize(
    ("raw", "attributes", "code_page", "expected"),
    [
        (b"gr\xc3\xb6\xc3\x9fe", UTF8, "cp1252", ("größe", ())),
        (b"gr\xf6\xdfe", 0, "cp1252", ("größe", ("code-page",))),
        (b"gr\x94\xe1e", 0, "cp437", ("größe", ("code-page",))),
        (b"gr\xf6\xdfe", UTF8, "cp1252", ("gr%F6%DFe", ("undecodable",))),
        (b"a\x81b", 0, "cp1252", ("a%81b", ("code-page", "undecodable"))),
        (b"a\xc0\x80b", UTF8, "cp1252", ("a%C0%80b", ("undecodable",))),
        (b"\xed\xa0\x80", UTF8, "cp1252", ("%ED%A0%80", ("undecodable",))),
        (b"\x95\x5c\\\x95\x5c.txt", 0, "cp932", ("表\\表.txt", ("code-page",))),
    ],
)
def test_encodings(raw: bytes, attributes: int, code_page: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert decode_name(raw, attributes, code_page) == expected


def members(*names: bytes) -> tuple[CabMember, ...]:
    writer = CabWriter([Folder(NONE, [])], [File(name, 0) for name in names])
    return open_cabinet(MemoryBytes(writer.bytes())).members


def test_duplicates_are_members_of_their_own() -> None:
    found = members(b"a", b"b\\c", b"A", b"B/C", b"d", b"d/e")
    assert [member.hazards for member in found] == [("duplicate",)] * 5 + [()]
    assert [member.raw_name for member in found] == [b"a", b"b\\c", b"A", b"B/C", b"d", b"d/e"]


def test_a_name_without_an_end() -> None:
    data = CabWriter([Folder(NONE, [])], [File(b"a", 0), File(b"x" * 1024, 0), File(b"b", 0)]).bytes()
    found = open_cabinet(MemoryBytes(data + bytes(2000)))
    assert [member.name for member in found.members] == ["a"]
    assert [str(error) for error in found.damage] == [
        "cab: no end to the name of file 1 of 3, the rest of which are missing (at offset 0x3e)"
    ]


def test_many_names_of_many_folders_cost_little_memory() -> None:
    names = [b"%d\\" % number + b"a\\" * 490 + b"b" for number in range(300)]
    tracemalloc.start()
    found = members(*names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 300
    assert peak < 8 << 20
