"""Tar headers, against Python's tarfile and GNU tar."""

import io
import random
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.tar import TarMember, is_tar, read_tar
from tests.kit.container_image import tar_bytes

FindTool = Callable[[str, str], str]
LONG = "folder/" * 40 + "fïle"
FILES = {"a": b"1", "Files/Windows/x.dll": b"MZ" * 700, LONG: b"long", "empty": b"", "schön ☃": b"snow"}


def members(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[TarMember]:
    return list(read_tar(MemoryBytes(data), limits))


def contents(data: bytes) -> dict[str, bytes]:
    return {item.name: data[item.offset : item.offset + item.size] for item in members(data) if item.kind == "file"}


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_and_contents_are_those_that_tarfile_wrote(format: int) -> None:
    assert contents(tar_bytes(FILES, format=format)) == FILES


@pytest.mark.parametrize("format", ["gnu", "oldgnu", "pax", "ustar", "posix"])
def test_archives_of_gnu_tar(format: str, tmp_path: Path, find_tool: FindTool) -> None:
    short = {name: data for name, data in FILES.items() if format != "ustar" or name.isascii()}
    short["link-target"] = b"both"
    for name, data in short.items():
        place = tmp_path / "in" / (name if format != "ustar" else name[-90:])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (tmp_path / "in/hard").hardlink_to(tmp_path / "in/link-target")
    (tmp_path / "in/soft").symlink_to("a")
    archive = tmp_path / "x.tar"
    command = [find_tool("tar", "tar"), "-cf", str(archive), f"--format={format}", "-C", str(tmp_path / "in"), "."]
    subprocess.run(command, check=True)
    with tarfile.open(archive) as oracle:
        expected = [
            (item.name, item.isfile(), item.isdir(), item.size if item.isfile() else 0, item.linkname)
            for item in oracle
        ]
        sizes = {item.name: item.offset_data for item in oracle.getmembers() if item.isfile()}
    found = members(archive.read_bytes())
    assert [
        (item.name.rstrip("/"), item.kind == "file", item.kind == "directory", item.size, item.target) for item in found
    ] == expected
    assert {item.name: item.offset for item in found if item.kind == "file"} == sizes


def test_a_binary_size_larger_than_octal_digits_can_say() -> None:
    member = tarfile.TarInfo("huge")
    member.size = 9 << 33
    head = member.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(TruncatedError, match="huge"):
        members(head + bytes(2048))


@pytest.mark.parametrize("size", [b"-00000000001", b"\xff" * 12, b"9" * 12, b"\x80" + b"\xff" * 11])
def test_impossible_sizes(size: bytes) -> None:
    head = bytearray(tar_bytes({"a": b"x"})[:512])
    head[124:136] = size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    with pytest.raises(BuildlabError):
        members(bytes(head) + bytes(4096))


def test_extended_headers_that_lie() -> None:
    for record in (b"999999 path=x\n", b"0 path=x\n", b"x", b"12 size=-1234\n", b"15 size=1234567890123456789012345\n"):
        out = io.BytesIO()
        head = tarfile.TarInfo("x")
        head.type, head.size = tarfile.XHDTYPE, len(record)
        out.write(head.tobuf() + record.ljust(512, b"\0") + tar_bytes({"a": b"x"}))
        with pytest.raises(BuildlabError):
            members(out.getvalue())


def test_an_extended_header_has_a_bound() -> None:
    head = tarfile.TarInfo("x")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, DEFAULT_LIMITS.archive_header_bytes + 1
    with pytest.raises(LimitExceededError):
        members(head.tobuf(tarfile.GNU_FORMAT))


def test_the_number_of_members_has_a_bound() -> None:
    data = tar_bytes({str(number): b"" for number in range(20)})
    assert len(members(data)) == 20
    with pytest.raises(LimitExceededError):
        members(data, Limits(archive_members=19))


def test_what_is_no_archive() -> None:
    with pytest.raises(FormatError):
        members(b"no archive" * 100)
    assert not is_tar(b"no archive" * 100)
    assert not is_tar(b"")
    assert is_tar(tar_bytes(FILES)[:512])


def test_cut_archives_keep_the_members_before_the_cut() -> None:
    data = tar_bytes(FILES)
    whole = members(data)
    end = whole[-1].offset + 512
    for length in range(0, end, 37):
        found: list[TarMember] = []
        try:
            for member in read_tar(MemoryBytes(data[:length]), DEFAULT_LIMITS):
                found.append(member)
        except TruncatedError:
            pass
        else:
            assert length == 0
        assert found == whole[: len(found)]


def test_spoilt_bytes_raise_only_our_errors() -> None:
    data = tar_bytes(FILES)
    numbers = random.Random(5)
    for _ in range(600):
        spoilt = bytearray(data)
        for _ in range(numbers.choice([1, 4])):
            spoilt[numbers.randrange(len(spoilt))] ^= 1 << numbers.randrange(8)
        try:
            members(bytes(spoilt))
        except BuildlabError:
            continue
