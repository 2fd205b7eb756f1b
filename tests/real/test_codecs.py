"""Cabinets that other programs made, Microsoft's among them, against cabextract."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from buildlab.errors import FormatError
from buildlab.readers.codecs import compiled_codecs
from buildlab.readers.codecs.lzx import LzxFolder
from buildlab.readers.codecs.mszip import MszipFolder
from tests.conftest import FindTool
from tests.readers.codecs.variants import plain
from tests.real.cabinet import Cabinet, Folder, parse_cabinet
from tests.real.conftest import RealFile

REFUSED_LZX = (
    "cab/test_read_format_cab_lzx_invalid_history.cab",
    "cab/test_read_format_cab_lzx_oob.cab",
)
SOUND_LZX = (
    "cab/test_read_format_cab_lzx_16bit.cab",
    "cab/test_read_format_cab_lzx_e8.cab",
    "cab/test_read_format_cab_lzx_literal_control.cab",
    "cab/mszip_lzx_qtm.cab",
    "cab/test_read_format_cab_2.cab",
    "cab/test_read_format_cab_3.cab",
)


def content(folder: Folder, lzx: type[LzxFolder] = LzxFolder) -> bytes:
    """All that a folder holds."""
    if folder.is_mszip:
        mszip = MszipFolder()
        return b"".join(mszip.decode_block(data, size) for data, size in folder.blocks)
    decoder = lzx(folder.window_bits)
    return b"".join(decoder.decode_frame(data, size) for data, size in folder.blocks)


def assert_like_cabextract(path: Path, cabinet: Cabinet, folder: Path, find_tool: FindTool) -> int:
    """Every file of an LZX or MSZIP folder is what cabextract makes of it; how many these are."""
    tool = find_tool("cabextract", "cabextract")
    subprocess.run([tool, "-q", "-d", str(folder), str(path)], capture_output=True, check=False)
    contents = [content(one) if one.is_lzx or one.is_mszip else None for one in cabinet.folders]
    compared = 0
    for name, number, offset, size in cabinet.files:
        other = folder / name.replace("\\", "/")
        data = contents[number]
        if data is None:
            continue
        assert hashlib.sha256(data[offset : offset + size]).digest() == hashlib.sha256(other.read_bytes()).digest()
        compared += 1
    return compared


@pytest.mark.parametrize("name", SOUND_LZX)
def test_small_cabinets(name: str, real_folder: Path, real_file: RealFile, tmp_path: Path, find_tool: FindTool) -> None:
    assert assert_like_cabextract(real_folder / name, parse_cabinet(real_file(name)), tmp_path, find_tool)


@pytest.mark.parametrize("name", REFUSED_LZX)
def test_malformed_cabinets_are_refused(name: str, real_file: RealFile) -> None:
    cabinet = parse_cabinet(real_file(name))
    with pytest.raises(FormatError):
        for folder in cabinet.folders:
            content(folder)


@pytest.mark.slow
def test_a_cabinet_of_microsoft(real_folder: Path, real_file: RealFile, tmp_path: Path, find_tool: FindTool) -> None:
    if not compiled_codecs()["lzx"]:
        pytest.skip("minutes without compiled decoders")
    name = "msu/Windows6.0-KB2999226-x64.cab"
    assert assert_like_cabextract(real_folder / name, parse_cabinet(real_file(name)), tmp_path, find_tool) > 1


@pytest.mark.parametrize("name", ["msu/Windows6.0-KB971286-x86.msu", "msu/Windows6.0-KB971286-x64.msu"])
def test_cabinets_inside_a_package(name: str, real_file: RealFile, tmp_path: Path, find_tool: FindTool) -> None:
    outer = parse_cabinet(real_file(name))
    contents = [content(folder) for folder in outer.folders]
    inner = [
        contents[number][offset : offset + size] for file, number, offset, size in outer.files if file.endswith(".cab")
    ]
    assert inner
    compared = 0
    for number, data in enumerate(inner):
        path = tmp_path / f"{number}.cab"
        path.write_bytes(data)
        (tmp_path / str(number)).mkdir()
        compared += assert_like_cabextract(path, parse_cabinet(data), tmp_path / str(number), find_tool)
    assert compared > 10


def test_a_folder_in_plain_python(real_file: RealFile) -> None:
    outer = parse_cabinet(real_file("msu/Windows6.0-KB971286-x86.msu"))
    data = content(outer.folders[0])
    _, _, offset, size = next(file for file in outer.files if file[0].endswith(".cab") and "WSUSSCAN" not in file[0])
    folder = parse_cabinet(data[offset : offset + size]).folders[0]
    folder.blocks = folder.blocks[:12]
    assert content(folder, plain().lzx.LzxFolder) == content(folder)
