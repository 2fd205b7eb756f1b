"""Addresses of targets."""

from pathlib import Path

import pytest

from buildlab.sources.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ("disk.vhd", "disk.vhd", None),
        ("disk.vhd#2", "disk.vhd", "2"),
        ("a#b#3", "a#b", "3"),
        ("disk.vhd#", "disk.vhd#", None),
        ("disk\\#2", "disk#2", None),
        ("disk\\#2#1", "disk#2", "1"),
        ("#2", "#2", None),
        ("install.wim#ServerEnterprise", "install.wim", "ServerEnterprise"),
    ],
)
def test_path_and_part(text: str, path: str, part: str | None) -> None:
    assert parse_address(text) == Address(Path(path), part)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("disk.vhd@shadow1", Address(Path("disk.vhd"), None, (), 1)),
        ("disk.vhd#2@shadow12", Address(Path("disk.vhd"), "2", (), 12)),
        ("medium.iso!disk.vhd#2@shadow1", Address(Path("medium.iso"), "2", ("disk.vhd",), 1)),
        ("disk\\@shadow1", Address(Path("disk@shadow1"), None)),
        ("disk\\@shadow1@shadow2", Address(Path("disk@shadow1"), None, (), 2)),
        ("disk@shadow", Address(Path("disk@shadow"), None)),
        ("disk@shadow1x", Address(Path("disk@shadow1x"), None)),
        ("disk@shadow-1", Address(Path("disk@shadow-1"), None)),
        ("disk@shadow1234567", Address(Path("disk@shadow1234567"), None)),
        ("@shadow1", Address(Path("@shadow1"), None)),
        ("me@host#2", Address(Path("me@host"), "2")),
    ],
)
def test_shadow_copies(text: str, address: Address) -> None:
    assert parse_address(text) == address


def test_files_that_are_called_like_addresses_of_shadow_copies(tmp_path: Path) -> None:
    (tmp_path / "disk#2").write_bytes(b"")
    assert parse_address(f"{tmp_path}/disk#2@shadow1") == Address(tmp_path / "disk#2", None, (), 1)
    (tmp_path / "disk#2@shadow1").write_bytes(b"")
    assert parse_address(f"{tmp_path}/disk#2@shadow1") == Address(tmp_path / "disk#2@shadow1", None)


def test_a_file_that_exists_under_the_literal_text_wins(tmp_path: Path) -> None:
    (tmp_path / "disk#2").write_bytes(b"")
    assert parse_address(f"{tmp_path}/disk#2") == Address(tmp_path / "disk#2", None)
    assert parse_address(f"{tmp_path}/disk#3") == Address(tmp_path / "disk", "3")


def test_of_two_files_the_literal_one_wins(tmp_path: Path) -> None:
    (tmp_path / "disk#2").write_bytes(b"")
    (tmp_path / "disk").write_bytes(b"")
    assert parse_address(f"{tmp_path}/disk#2").path == tmp_path / "disk#2"


@pytest.mark.parametrize("text", ["a" * 300, "a" * 300 + "#2", "x/" * 3000], ids=["name", "part", "path"])
def test_a_name_that_is_too_long_is_no_crash(text: str) -> None:
    assert isinstance(parse_address(text), Address)
