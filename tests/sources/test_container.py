"""Containers are told by their content, and no content is two of them."""

import io
from pathlib import Path

import pytest

from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.container import Probe, container_formats
from tests.kit.disk import Volume, write_gpt, write_mbr
from tests.kit.hive import Key, write_hive
from tests.kit.vhd import vhd_bytes, vhd_footer
from tests.places import FIXTURES, fixture_names

SIGNATURES = {
    "hive": (0, b"regf"),
    "vhdx": (0, b"vhdxfile"),
    "vmdk": (0, b"KDMV"),
    "qcow2": (0, b"QFI\xfb"),
    "vdi": (64, b"\x7f\x10\xda\xbe"),
    "ewf": (0, b"EVF\x09\x0d\x0a\xff\x00"),
    "wim": (0, b"MSWIM\0\0\0"),
    "cab": (0, b"MSCF\0\0\0\0"),
    "iso": (32769, b"CD001"),
}
MARKS = {
    "boot mark": (510, b"\x55\xaa"),
    "GPT": (512, b"EFI PART"),
    "GPT, 4 KiB sectors": (4096, b"EFI PART"),
    "ext": (0x438, b"\x53\xef"),
}


def kinds(data: bytes) -> list[str]:
    probe = Probe(Path("target"), MemoryBytes(data))
    return [container.kind for container in container_formats() if container.probe(probe)]


def crafted(*parts: tuple[int, bytes], size: int = 200_000) -> bytes:
    data = bytearray(size)
    for offset, content in parts:
        data[offset : offset + len(content)] = content
    return bytes(data)


def mbr_disk() -> bytes:
    out = io.BytesIO()
    write_mbr(out, [Volume(bytes(100 * 512))])
    return out.getvalue()


def gpt_disk() -> bytes:
    out = io.BytesIO()
    write_gpt(out, [Volume(bytes(100 * 512))])
    return out.getvalue()


@pytest.mark.parametrize("name", fixture_names())
def test_every_fixture_is_exactly_one(name: str) -> None:
    with HostFile(FIXTURES / name) as source:
        probe = Probe(FIXTURES / name, source)
        found = [container.kind for container in container_formats() if container.probe(probe)]
    assert found == [name.rpartition(".")[2]]


@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_signature_alone(kind: str) -> None:
    assert kinds(crafted(SIGNATURES[kind])) == [kind]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_signature_wins_over_bytes_that_happen_to_be_those_of_a_disk(kind: str, mark: str) -> None:
    assert kinds(crafted(SIGNATURES[kind], MARKS[mark])) == [kind]


@pytest.mark.parametrize("mark", MARKS)
def test_the_marks_of_disks_alone(mark: str) -> None:
    assert kinds(crafted(MARKS[mark])) == ["raw"]


@pytest.mark.parametrize("name", [b"NTFS    ", b"ReFS\0\0\0\0", b"-FVE-FS-"])
def test_volumes_without_a_boot_mark(name: bytes) -> None:
    assert kinds(crafted((3, name))) == ["raw"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (vhd_bytes(mbr_disk(), dynamic=True), ["vhd"]),
        (vhd_bytes(mbr_disk(), dynamic=False), ["vhd"]),
        (vhd_bytes(gpt_disk(), dynamic=False), ["vhd"]),
        (vhd_bytes(mbr_disk(), dynamic=True)[:-512], ["vhd"]),
        (vhd_bytes(mbr_disk(), dynamic=False)[:-1], ["vhd"]),
        (vhd_bytes(mbr_disk(), dynamic=False)[:-512], ["raw"]),
        (mbr_disk(), ["raw"]),
        (gpt_disk(), ["raw"]),
        (write_hive(Key("ROOT")), ["hive"]),
        (crafted(MARKS["boot mark"], SIGNATURES["iso"]), ["iso"]),
        (crafted((0, vhd_footer(1 << 20, kind=3)), MARKS["boot mark"]), ["vhd"]),
        (crafted(), []),
        (b"regf", ["hive"]),
        (b"x", []),
        (b"\x7fELF" + bytes(1000), []),
        (b"%PDF-1.4" + bytes(1000), []),
    ],
)
def test_what_a_whole_file_is(data: bytes, expected: list[str]) -> None:
    assert kinds(data) == expected


def test_a_hive_whose_checksum_ends_like_a_boot_record_is_a_hive() -> None:
    data = write_hive(Key("ROOT"))
    stamps = (high << 48 for high in range(1, 1 << 16))
    written = next(stamp for stamp in stamps if _checksum_end(data, stamp) == b"\x55\xaa")
    assert kinds(write_hive(Key("ROOT"), written=written)) == ["hive"]


def _checksum_end(data: bytes, written: int) -> bytes:
    """Bytes 510 and 511 of a base block whose time stamp is `written`."""
    old = int.from_bytes(data[12:16], "little") ^ int.from_bytes(data[16:20], "little")
    new = (written & 0xFFFFFFFF) ^ (written >> 32)
    return (int.from_bytes(data[508:512], "little") ^ old ^ new).to_bytes(4, "little")[2:]


def test_only_a_folder_is_a_folder(tmp_path: Path) -> None:
    probe = Probe(tmp_path, None)
    assert [container.kind for container in container_formats() if container.probe(probe)] == ["folder"]


def test_every_kind_has_one_format() -> None:
    found = [container.kind for container in container_formats()]
    assert len(found) == len(set(found))
    assert {"raw", "vhd", "folder", "hive"} <= set(found)
