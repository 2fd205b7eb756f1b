"""The list of hashes in an update from before CBS, against the files themselves, and damage."""

import hashlib
import random

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.readers.update_ver import UpdateVerFile, read_update_ver
from buildlab.windows.version import NtVersion
from tests.kit.legacy_updates import LegacyUpdate

LINE = "a.sys=898319124382E5171C714BAB91889584,000500020ECE0F77,53760,SP2RTM,27162E43"


def _one(line: str) -> UpdateVerFile:
    (file,) = read_update_ver(f"[SourceFileInfo]\r\n{line}\r\n".encode()).files
    return file


def test_a_line_of_a_program() -> None:
    assert _one(LINE) == UpdateVerFile(
        path="a.sys",
        md5="898319124382e5171c714bab91889584",
        version=NtVersion(5, 2, 3790, 3959),
        size=53760,
        branch="SP2RTM",
    )


@pytest.mark.parametrize(
    ("line", "path", "version", "size", "branch"),
    [
        ("b.com=9D9E2609420C556A54C175683374CC4B,,79,SP2RTM,99FDCFE8", "b.com", None, 79, "SP2RTM"),
        ("ia\\c.inf=86FF01FB46D4FD7546E137AB22C04C97,,25184,,30193A75", "ia\\c.inf", None, 25184, None),
        ("d.cat=8DD45276AABD247E894E581A5C1AFF4B,,71199", "d.cat", None, 71199, None),
        ("e.dll=,,,", "e.dll", None, None, None),
        ("f.dll=,,-5,x", "f.dll", None, None, "x"),
    ],
)
def test_fields_that_are_left_out(
    line: str, path: str, version: NtVersion | None, size: int | None, branch: str | None
) -> None:
    file = _one(line)
    assert (file.path, file.version, file.size, file.branch) == (path, version, size, branch)


@pytest.mark.parametrize("architecture", ["x86", "ia64", "amd64"])
def test_every_file_of_a_package_is_the_one_stated(architecture: str) -> None:
    update = LegacyUpdate(architecture=architecture, branches=("SP2GDR", "SP2QFE"), windows=(5, 2, 3790))
    files = update.files()
    listed = read_update_ver(files["update\\update.ver"])
    assert listed.malformed == 0
    assert {file.path for file in listed.files} == {
        *(f"{branch}\\{name}" for branch in update.branches for name in update.payload),
        "update\\KB824146.cat",
    }
    for file in listed.files:
        content = files[file.path]
        assert file.size == len(content)
        assert file.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_lines_of_another_shape_are_counted() -> None:
    text = f"[SourceFileInfo]\n{LINE}\nno equals sign\nx=1,2,3\ny=898319124382E5171C714BAB91889584,5.2,1\nz=1\n"
    found = read_update_ver(text.encode())
    assert len(found.files) == 1
    assert found.malformed == 4


@pytest.mark.parametrize(
    "data", [b"", b"[Other]\na=b\n", b"[SourceFileInfo]\n", b"[SourceFileInfo]\nx=1\n", b"[ENGINE0]\nversion=1\n"]
)
def test_what_is_no_update_ver(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_update_ver(data)


def test_cuts_and_flipped_bytes() -> None:
    data = LegacyUpdate(branches=("SP2GDR", "SP2QFE")).files()["update\\update.ver"]
    numbers = random.Random(3)
    spoilt = [data[:length] for length in range(len(data))]
    for _ in range(3000):
        made = bytearray(data)
        for _ in range(numbers.choice([1, 4, 16])):
            made[numbers.randrange(len(data))] = numbers.randrange(256)
        spoilt.append(bytes(made))
    for one in spoilt:
        try:
            read_update_ver(one)
        except BuildlabError:
            continue
