"""Damage on the way to an installation is told: a damaged record never makes Windows vanish without a word."""

import os
import struct
from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from tests.kit.systems import select_current_2
from tests.kit.windows import write_tree
from tests.places import FIXTURES

NAME = "two-roots-windows-old.vhd"


def _record_of(data: bytes, name: str, count: int) -> list[int]:
    """Offsets of the MFT records whose long name is `name`, in order of the file."""
    wanted = name.encode("utf-16-le")
    found: list[int] = []
    start = 0
    while (start := data.find(b"FILE0", start)) >= 0:
        record = data[start : start + 1024]
        place = record.find(wanted)
        if place > 0 and record[place - 2] == len(name):
            found.append(start)
        start += 1024
    assert len(found) >= count
    return found


@pytest.mark.parametrize("name", ["Windows", "System32", "config", "Windows.old", "servicing", "Packages"])
def test_a_damaged_file_record_on_the_way_is_told(name: str, tmp_path: Path) -> None:
    data = bytearray((FIXTURES / NAME).read_bytes())
    for offset in _record_of(bytes(data), name, 1)[:1]:
        data[offset : offset + 4] = b"BAAD"
    target = tmp_path / "damaged.vhd"
    target.write_bytes(data)
    result = scan(target)
    assert result.exit.code == 4
    gaps = [gap for installation in result.installations for gap in installation.gaps if gap.makes_partial]
    assert result.errors or gaps


def test_a_lost_extended_boot_record_is_told(tmp_path: Path) -> None:
    data = bytearray((FIXTURES / NAME).read_bytes())
    from buildlab.sources.target import open_target

    with open_target(str(FIXTURES / NAME)) as target:
        assert len(target.volumes) == 2
    flat = tmp_path / "flat.raw"
    from buildlab.limits import DEFAULT_LIMITS
    from buildlab.sources.byte_sources import HostFile
    from buildlab.sources.container import Probe
    from buildlab.sources.containers.vhd import VHD

    assert VHD.open is not None
    with HostFile(FIXTURES / NAME) as file:
        disk = VHD.open(Probe(FIXTURES / NAME, file), DEFAULT_LIMITS).disk
        assert disk is not None
        data = bytearray(disk.read_at(0, disk.size))
    entries = [struct.unpack_from("<4xB3xII", data, 446 + 16 * index) for index in range(4)]
    (lba,) = [lba for kind, lba, _ in entries if kind in (0x05, 0x0F)]
    data[lba * 512 : lba * 512 + 512] = bytes(512)
    flat.write_bytes(data)
    result = scan(flat)
    assert len(result.installations) == 2
    assert "extended boot record" in result.errors[0].message
    assert result.exit.code == 4


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_not_be_entered_does_not_stop_the_scan(tmp_path: Path) -> None:
    write_tree(select_current_2().files(), tmp_path)
    closed = tmp_path / "System Volume Information"
    closed.mkdir(mode=0)
    try:
        result = scan(tmp_path)
    finally:
        closed.chmod(0o700)
    assert [item.location for item in result.installations] == ["/Windows"]
    assert result.exit.code == 4


def test_many_folders_hide_nothing(tmp_path: Path) -> None:
    files = select_current_2().files("ZWIN") | select_current_2().files("Windows.old/Windows")
    write_tree(files | select_current_2().files(), tmp_path)
    for number in range(100):
        (tmp_path / f"D{number:03}").mkdir()
    found = [item.location for item in scan(tmp_path).installations]
    assert found == ["/Windows", "/Windows.old/Windows", "/ZWIN"]


def test_a_hive_among_many_files_is_found(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"A{number:03}.txt").write_bytes(b"text")
    (tmp_path / "SOFTWARE").write_bytes(select_current_2().hive("SOFTWARE"))
    assert [item.location for item in scan(tmp_path).installations] == ["hive SOFTWARE"]


def test_a_cut_hive_beside_a_sound_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "SYSTEM").write_bytes(select_current_2().hive("SYSTEM"))
    (tmp_path / "SOFT_B").write_bytes(select_current_2().hive("SOFTWARE")[:600])
    result = scan(tmp_path)
    assert [item.location for item in result.installations] == ["hive SYSTEM"]
    assert [error.path for error in result.errors] == ["/SOFT_B"]
    assert result.exit.code == 4


def test_two_hives_whose_names_differ_in_case_are_both_reported(tmp_path: Path) -> None:
    for name in ("SOFTWARE", "software"):
        (tmp_path / name).write_bytes(select_current_2().hive("SOFTWARE"))
    assert len(scan(tmp_path).installations) == 2


def test_a_folder_without_a_kernel_is_still_looked_through(tmp_path: Path) -> None:
    files = select_current_2().files()
    del files["Windows/System32/ntoskrnl.exe"]
    write_tree(files, tmp_path)
    (installation,) = scan(tmp_path).installations
    subjects = {fact.subject for fact in installation.facts}
    assert {"hal.file_version", "kernel-store.file_version", "package.manifest", "servicing_stack.store"} <= subjects
    assert {gap.subject: gap.kind for gap in installation.gaps} == {"kernel": "missing"}


def test_a_system_that_is_no_windows_is_refused_by_name(tmp_path: Path) -> None:
    image = select_current_2()
    image.product_name = "ReactOS"
    write_tree(image.files(), tmp_path)
    result = scan(tmp_path)
    assert result.installations == ()
    assert [(error.kind, error.path) for error in result.errors] == [("unknown-format", "/Windows")]
    assert result.exit.code == 3
