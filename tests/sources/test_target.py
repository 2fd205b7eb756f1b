"""Targets: what they are, which volumes they have, and what kept the others from being read."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from buildlab.errors import (
    BuildlabError,
    EncryptedVolumeError,
    FormatError,
    PathNotFoundError,
    TruncatedError,
    UnknownFormatError,
    UnsupportedContentError,
)
from buildlab.sources.target import Target, open_target
from tests.kit.disk import Volume, write_gpt, write_mbr
from tests.kit.hive import Key, write_hive
from tests.kit.vhd import vhd_bytes
from tests.places import FIXTURES
from tests.sources.test_file_system import BITLOCKER_7, BITLOCKER_VISTA, HEADS

SLOW_ENOUGH = 20
"""Seconds after which opening a target counts as a hang."""


def mbr(*volumes: Volume) -> bytes:
    out = io.BytesIO()
    write_mbr(out, volumes, align=64)
    return out.getvalue()


def target_of(folder: Path, data: bytes, part: str = "", *, kind: str | None = None) -> Target:
    path = folder / "disk"
    path.write_bytes(data)
    with open_target(f"{path}{part}", kind=kind) as target:
        return target


def test_volumes_of_a_disk_keep_their_numbers_and_places(tmp_path: Path) -> None:
    disk = mbr(Volume(HEADS["FAT"][0]), Volume(HEADS["ext2/3/4"][0], type=0x83), Volume(bytes(9000)))
    target = target_of(tmp_path, disk)
    assert (target.kind, target.error) == ("raw", None)
    assert [(volume.number, volume.location) for volume in target.volumes] == [
        (1, "partition 1"),
        (2, "partition 2"),
        (3, "partition 3"),
    ]
    assert [volume.file_system for volume in target.volumes] == ["FAT", "ext2/3/4", None]
    assert all(volume.passed_over for volume in target.volumes)


@pytest.mark.parametrize("boot", [BITLOCKER_VISTA, BITLOCKER_7])
def test_bitlocker_is_an_error_of_that_volume(tmp_path: Path, boot: bytes) -> None:
    target = target_of(tmp_path, mbr(Volume(boot), Volume(HEADS["FAT"][0])))
    assert isinstance(target.volumes[0].error, EncryptedVolumeError)
    assert target.volumes[0].error.path == "partition 1"
    assert target.volumes[1].error is None


@pytest.mark.parametrize("boot", [BITLOCKER_VISTA, BITLOCKER_7])
def test_a_bitlocker_volume_without_a_table(tmp_path: Path, boot: bytes) -> None:
    target = target_of(tmp_path, boot)
    assert [type(volume.error) for volume in target.volumes] == [EncryptedVolumeError]


def test_refs_is_refused_by_name(tmp_path: Path) -> None:
    error = target_of(tmp_path, mbr(Volume(HEADS["ReFS"][0]))).volumes[0].error
    assert isinstance(error, UnsupportedContentError)
    assert "ReFS" in error.message


@pytest.mark.parametrize("type_", [0x42])
def test_dynamic_disks_are_refused_by_name(tmp_path: Path, type_: int) -> None:
    error = target_of(tmp_path, mbr(Volume(HEADS["NTFS"][0], type=type_))).volumes[0].error
    assert isinstance(error, UnsupportedContentError)
    assert "LDM" in error.message


def test_noise_where_windows_is_promised_is_an_error_and_zeros_are_none(tmp_path: Path) -> None:
    target = target_of(tmp_path, mbr(Volume(b"\x5a" * 9000), Volume(bytes(9000)), Volume(b"\x5a" * 9000, type=0x83)))
    assert isinstance(target.volumes[0].error, UnknownFormatError)
    assert target.volumes[1].passed_over == "begins with zeros: not formatted"
    assert target.volumes[2].passed_over == "no file system that is known"


def test_a_partition_behind_the_end_of_the_disk_is_its_own_error(tmp_path: Path) -> None:
    disk = mbr(Volume(HEADS["FAT"][0]), Volume(HEADS["NTFS"][0]))
    target = target_of(tmp_path, disk[: 64 * 512 + 8192])
    assert target.volumes[0].error is None
    assert isinstance(target.volumes[1].error, TruncatedError)


def test_a_lost_block_of_the_first_partition_does_not_hide_the_second(tmp_path: Path) -> None:
    raw = mbr(Volume(HEADS["FAT"][0]), Volume(HEADS["FAT"][1]))
    data = bytearray(vhd_bytes(raw, block_size=4096))
    struct.pack_into(">I", data, 1536 + 4 * (64 * 512 // 4096), 0x7FFFFFFF)
    target = target_of(tmp_path, bytes(data))
    assert target.error is None
    assert isinstance(target.volumes[0].error, TruncatedError)
    assert target.volumes[1].file_system == "FAT"


@pytest.mark.parametrize(("part", "numbers"), [("", [1, 2]), ("#1", [1]), ("#2", [2]), ("#02", [2])])
def test_the_address_chooses_the_part(tmp_path: Path, part: str, numbers: list[int]) -> None:
    target = target_of(tmp_path, mbr(Volume(HEADS["FAT"][0]), Volume(HEADS["FAT"][1])), part)
    assert [volume.number for volume in target.volumes] == numbers


@pytest.mark.parametrize("part", ["#0", "#3", "#x", "#1.5", "#-1", "#99999999999999999999999"])
def test_a_part_that_is_not_there(tmp_path: Path, part: str) -> None:
    target = target_of(tmp_path, mbr(Volume(HEADS["FAT"][0])), part)
    assert isinstance(target.error, PathNotFoundError)
    assert target.error.hint == "parts here: 1"


def test_an_unpartitioned_volume_is_part_1(tmp_path: Path) -> None:
    target = target_of(tmp_path, HEADS["FAT"][0], "#1")
    assert [(volume.number, volume.location) for volume in target.volumes] == [(1, "")]


def test_a_name_with_a_hash_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "disk#2").write_bytes(mbr(Volume(HEADS["FAT"][0])))
    with open_target(f"{tmp_path}/disk#2") as target:
        assert [volume.number for volume in target.volumes] == [1]
    with open_target(f"{tmp_path}/disk\\#2#1") as target:
        assert (target.path, target.error) == (tmp_path / "disk#2", None)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnknownFormatError),
        (b"x", UnknownFormatError),
        (bytes(100_000), UnknownFormatError),
        (os.urandom(16) + b"\1" * 5000, UnknownFormatError),
        (b"vhdxfile" + bytes(5000), TruncatedError),
        (b"MSWIM\0\0\0" + bytes(5000), FormatError),
        (bytes(510) + b"\x55\xaa", BuildlabError),
    ],
)
def test_what_cannot_be_read_is_an_error_with_words(tmp_path: Path, data: bytes, error: type[BuildlabError]) -> None:
    target = target_of(tmp_path, data)
    assert isinstance(target.error, error)
    assert target.error.message


@pytest.mark.parametrize("text", ["/nowhere/at/all", "/nowhere#2", "a" * 300, "nul\0byte", ""])
def test_a_path_that_is_not_there_is_an_error_and_no_exception(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_target(text) as target:
        assert target.error is not None or target.kind == "folder"


@pytest.mark.parametrize("kind", ["vhd", "raw", "hive", "wim", "no-such-kind"])
def test_a_folder_as_another_kind_is_an_error(tmp_path: Path, kind: str) -> None:
    with open_target(str(tmp_path), kind=kind) as target:
        assert isinstance(target.error, BuildlabError) or kind == "hive"


@pytest.mark.parametrize("kind", ["vhd", "folder", "raw", "vhdx"])
def test_a_file_as_another_kind_is_an_error(tmp_path: Path, kind: str) -> None:
    target = target_of(tmp_path, b"\1" * 5000, kind=kind)
    if target.error is None:
        assert target.volumes[0].tree is not None
        with pytest.raises(BuildlabError):
            target.volumes[0].tree.entries("/")


def test_the_kind_may_be_given(tmp_path: Path) -> None:
    target = target_of(tmp_path, vhd_bytes(mbr(Volume(HEADS["FAT"][0])), dynamic=False), kind="raw")
    assert (target.kind, target.error) == ("raw", None)


def test_a_damaged_first_gpt_is_told(tmp_path: Path) -> None:
    out = io.BytesIO()
    write_gpt(out, [Volume(HEADS["FAT"][0])])
    data = bytearray(out.getvalue())
    data[512 + 60] ^= 1
    target = target_of(tmp_path, bytes(data))
    assert [check.outcome for check in target.checks] == ["damaged"]
    assert len(target.volumes) == 1


def test_a_pipe_is_an_error_and_no_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code = f"from buildlab.sources.target import open_target; print(open_target({str(tmp_path / 'pipe')!r}).error)"
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SLOW_ENOUGH / 10)
    except subprocess.TimeoutExpired:
        pytest.fail("opening a pipe waits for ever")
    assert done.returncode == 0
    assert done.stdout.strip() != "None"


def test_a_hive_is_a_tree(tmp_path: Path) -> None:
    target = target_of(tmp_path, write_hive(Key("ROOT")))
    assert (target.kind, [volume.type for volume in target.volumes]) == ("hive", ["hive"])


def test_nothing_is_written_to_the_target(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes((FIXTURES / "server2008sp2-6003-pending-x86.vhd").read_bytes())
    path.chmod(0o444)
    before, stamp = path.read_bytes(), path.stat().st_mtime_ns
    with open_target(str(path)) as target:
        assert target.volumes[0].tree is not None
        assert target.volumes[0].tree.entries("/Windows/System32/config")
    assert (path.read_bytes() == before, path.stat().st_mtime_ns) == (True, stamp)
