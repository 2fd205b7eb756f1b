"""Real cabinets, sound and malformed, against cabextract and 7-Zip: the same names and bytes, or refused like there.

What each of the two makes of a sample is measured here, not only stated: the table tells whom the reader sides with
where they disagree.
"""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.cab import Cabinet, open_cabinet
from buildlab.readers.codecs import compiled_codecs
from tests.conftest import FindTool
from tests.real.conftest import RealFile

SAMPLES: dict[str, tuple[int, int, int]] = {
    # members that the reader, cabextract and 7-Zip give whole
    "mszip_lzx_qtm": (2, 3, 3),  # Quantum is refused by name
    "reserve_HFD": (2, 2, 1),  # 7-Zip wants whole blocks before the last one, also of stored folders
    "test_read_format_cab_1": (3, 3, 3),
    "test_read_format_cab_2": (4, 4, 4),
    "test_read_format_cab_3": (4, 4, 4),
    "test_read_format_cab_filename_cp932": (2, 2, 2),
    "test_read_format_cab_lzx_16bit": (1, 1, 0),  # 7-Zip refuses a block that ends as this one does
    "test_read_format_cab_lzx_e8": (1, 1, 1),
    "test_read_format_cab_lzx_literal_control": (1, 1, 1),
    "test_read_format_cab_multi.p1": (1, 1, 1),
    "test_read_format_cab_multi.p2": (1, 1, 1),
    "bad_folderindex": (1, 0, 0),  # the file in the folder that is there is sound; the others refuse the cabinet
    "cve-2015-4470-mszip-over-read": (0, 0, 0),
    "cve-2015-4471-lzx-under-read": (0, 0, 0),
    "multi_basic_pt1": (0, 0, 0),  # goes on in a cabinet that is not beside it
    "multi_basic_pt2": (0, 0, 0),
    "partial_shortfile2": (0, 0, 0),
    "test_read_format_cab_lzx_invalid_history": (0, 0, 0),
    "test_read_format_cab_lzx_oob": (0, 0, 0),
    "test_read_format_cab_skip_malformed": (0, 0, 0),
}
PACKAGES = {
    "Windows6.0-KB971286-x86.msu": [162_800, 88_387, 556, 442],
    "Windows6.0-KB971286-x64.msu": [163_458, 104_671, 558, 444],
}


def opened(folder: Path, name: str) -> Cabinet:
    def part(stated: str) -> ByteSource | None:
        path = folder / stated
        return MemoryBytes(path.read_bytes()) if path.is_file() else None

    return open_cabinet(MemoryBytes((folder / name).read_bytes()), open_part=part)


def read(found: Cabinet) -> list[bytes]:
    """The content of every member that can be read."""
    contents = []
    for _, pieces in found.walk():
        try:
            contents.append(b"".join(pieces))
        except BuildlabError:
            continue
    return contents


def digests(contents: Iterable[bytes]) -> list[str]:
    return sorted(hashlib.sha256(content).hexdigest() for content in contents)


def unpacked(tool: str, path: Path, folder: Path, find_tool: FindTool) -> dict[str, bytes]:
    """What another program unpacks without an error: both also leave files that they say are bad."""
    folder.mkdir()
    if tool == "7z":
        command = [find_tool("7z", "p7zip-full"), "x", "-y", f"-o{folder}", str(path)]
    else:
        command = [find_tool("cabextract", "cabextract"), "-d", str(folder), str(path)]
    result = subprocess.run(command, capture_output=True, check=False, env={"LC_ALL": "C.UTF-8"})
    said = (result.stdout + result.stderr).decode("utf-8", "replace").splitlines()
    bad = [line for line in said if "error" in line.lower()]
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in files.items() if not any(name in line for line in bad)}


def test_every_sample_is_in_the_table(real_folder: Path) -> None:
    assert {path.stem for path in (real_folder / "cab").glob("*.cab")} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str, real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    try:
        found = opened(real_folder / "cab", f"{name}.cab")
        ours = read(found)
        names = {member.name.replace("\\", "/") for member in found.members}
    except BuildlabError:
        ours, names = [], set()
    path = real_folder / "cab" / f"{name}.cab"
    others = [unpacked(tool, path, tmp_path / tool, find_tool) for tool in ("cabextract", "7z")]
    assert (len(ours), *map(len, others)) == SAMPLES[name]
    for other in others:
        assert not ours or not other or set(digests(other.values())) & set(digests(ours))
        if len(other) == len(ours):
            assert digests(other.values()) == digests(ours)
        if "cp932" not in name and ours:
            assert set(other) <= names


def test_names_in_a_japanese_code_page(real_file: RealFile) -> None:
    source = MemoryBytes(real_file("cab/test_read_format_cab_filename_cp932.cab"))
    found = open_cabinet(source, code_page="cp932")
    assert [member.name for member in found.members] == ["表だよ\\漢字.txt", "表だよ\\一覧表.txt"]
    assert {member.hazards for member in found.members} == {("code-page",)}


@pytest.mark.parametrize("name", PACKAGES)
def test_updates_all_the_way_down(name: str, real_file: RealFile, tmp_path: Path, find_tool: FindTool) -> None:
    data = real_file(f"msu/{name}")
    outer = open_cabinet(MemoryBytes(data))
    assert (outer.damage, outer.compressions()) == ((), ("mszip",))
    assert [member.size for member in outer.members] == PACKAGES[name]
    signature = outer.signature()
    assert signature is not None
    assert signature == data[outer.header.size : outer.header.size + len(signature)]
    assert signature[:2] == b"\x30\x82"
    path = tmp_path / name
    path.write_bytes(data)
    theirs = unpacked("cabextract", path, tmp_path / "outer", find_tool)
    compared = 0
    for member, pieces in outer.walk():
        content = b"".join(pieces)
        assert content == theirs[member.name]
        if not member.name.endswith(".cab"):
            continue
        inner = open_cabinet(outer.open(member))
        assert (inner.damage, set(inner.compressions())) == ((), {"lzx"})
        other = unpacked("cabextract", tmp_path / "outer" / member.name, tmp_path / f"in {member.name}", find_tool)
        assert {one.name.replace("\\", "/") for one in inner.members} == set(other)
        for one, parts in inner.walk():
            assert (
                hashlib.sha256(b"".join(parts)).digest() == hashlib.sha256(other[one.name.replace("\\", "/")]).digest()
            )
            compared += 1
    assert compared > 10


@pytest.mark.slow
def test_a_large_cabinet_of_microsoft(real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    if not compiled_codecs()["lzx"]:
        pytest.skip("minutes without compiled decoders")
    path = real_folder / "msu" / "Windows6.0-KB2999226-x64.cab"
    found = opened(path.parent, path.name)
    for tool in ("cabextract", "7z"):
        theirs = unpacked(tool, path, tmp_path / tool, find_tool)
        assert {member.name.replace("\\", "/"): b"".join(pieces) for member, pieces in found.walk()} == theirs
        assert len(theirs) == 223


def test_an_update_inside_other_bytes(real_file: RealFile) -> None:
    data = real_file("msu/Windows6.0-KB971286-x86.msu")
    found = open_cabinet(MemoryBytes(bytes(5000) + data), base=5000)
    alone = open_cabinet(MemoryBytes(data))
    assert (found.members, found.bytes_behind(), found.signature()) == (alone.members, 6928, alone.signature())
    assert read(found) == read(alone)


@pytest.mark.parametrize("name", ["msu/Windows6.0-KB971286-x86.msu", "cab/mszip_lzx_qtm.cab", "cab/reserve_HFD.cab"])
def test_cut_anywhere(name: str, real_file: RealFile) -> None:
    whole = real_file(name)
    sound = set(read(open_cabinet(MemoryBytes(whole))))
    size = open_cabinet(MemoryBytes(whole)).header.size
    for cut in range(0, size, max(1, size // 80)):
        try:
            found = open_cabinet(MemoryBytes(whole[:cut]))
        except BuildlabError:
            continue
        assert found.damage
        assert set(read(found)) <= sound
