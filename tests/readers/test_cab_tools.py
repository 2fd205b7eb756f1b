"""Cabinets against other programs: what gcab writes, and what cabextract and 7-Zip read of the kit's."""

import random
import subprocess
from pathlib import Path

import pytest

from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.cab import open_cabinet
from tests.conftest import FindTool
from tests.kit.cab import LZX_15, LZX_21, MSZIP, NONE, cabinet, cabinet_set

NUMBERS = random.Random(31)
CONTENTS = {
    "first.txt": b"some words " * 60,
    "folder\\noise.bin": NUMBERS.randbytes(70_001),
    "zeros": bytes(200_000),
    "last.bin": NUMBERS.randbytes(33_333),
}
METHODS = {"none": NONE, "mszip": MSZIP, "lzx 15": LZX_15, "lzx 21": LZX_21}
COMMANDS = {"cabextract": ("cabextract", ["-q", "-d"]), "7z": ("p7zip-full", ["x", "-y"])}


def unpack(tool: str, path: Path, folder: Path, find_tool: FindTool) -> dict[str, bytes]:
    """What another program makes of a cabinet."""
    package, options = COMMANDS[tool]
    target = [f"-o{folder}"] if tool == "7z" else [str(folder)]
    folder.mkdir()
    subprocess.run([find_tool(tool, package), *options, *target, str(path)], check=True, capture_output=True)
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


EXPECTED = {name.replace("\\", "/"): content for name, content in CONTENTS.items()}


@pytest.mark.parametrize("tool", COMMANDS)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_others_read_what_the_kit_writes(tool: str, method: int, tmp_path: Path, find_tool: FindTool) -> None:
    path = tmp_path / "kit.cab"
    writer = cabinet(CONTENTS, method)
    writer.reserve = bytes(20)
    path.write_bytes(writer.bytes())
    assert unpack(tool, path, tmp_path / "out", find_tool) == EXPECTED


@pytest.mark.parametrize("cuts", [[(1, 0), (2, 700), (5, 0)], [(2, 20), (2, 10)], [(1, 10)]], ids=str)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_others_read_the_sets_of_the_kit(
    cuts: list[tuple[int, int]], method: int, tmp_path: Path, find_tool: FindTool
) -> None:
    """cabextract 1.9 reads only sets that cut blocks, and in which each file lies in all cabinets of its folder."""
    for name, data in cabinet_set(CONTENTS, method, cuts).items():
        (tmp_path / name).write_bytes(data)
    assert unpack("7z", tmp_path / "part0.cab", tmp_path / "7z", find_tool) == EXPECTED
    for name, data in cabinet_set({"alone": CONTENTS["zeros"]}, method, cuts).items():
        (tmp_path / name).write_bytes(data)
    for tool in COMMANDS if all(kept for _, kept in cuts) else ["7z"]:
        assert unpack(tool, tmp_path / "part0.cab", tmp_path / f"{tool}2", find_tool) == {"alone": CONTENTS["zeros"]}


@pytest.mark.parametrize("options", [[], ["-z"]], ids=["stored", "mszip"])
def test_what_gcab_writes(options: list[str], tmp_path: Path, find_tool: FindTool) -> None:
    tool = find_tool("gcab", "gcab")
    for name, content in EXPECTED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    command = [tool, "-c", *options, "made.cab", *EXPECTED]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = open_cabinet(MemoryBytes((tmp_path / "made.cab").read_bytes()))
    assert found.compressions() == ("mszip" if options else "none",)
    read = {member.name.replace("\\", "/"): b"".join(pieces) for member, pieces in found.walk()}
    assert (read, found.damage) == (EXPECTED, ())
