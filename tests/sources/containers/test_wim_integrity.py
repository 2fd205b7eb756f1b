"""The integrity table of a WIM, which wimlib writes and verifies, and what an encrypted ESD is told to be."""

import random
import struct
import subprocess
import time
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, EncryptedVolumeError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.operations.scan import ScanOptions, scan
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.c_wim import HEADER_SIZE
from buildlab.readers.wim import read_header
from buildlab.readers.wim_integrity import read_integrity_table
from buildlab.results.scan import Scan
from buildlab.sources.target import open_target
from tests.conftest import FindTool
from tests.kit.systems import select_current_2
from tests.kit.windows import write_tree

CHUNK = 10 << 20
NOISE = 23_000_000
VARIANTS = {
    "stored": ("--compress=none",),
    "LZX": ("--compress=LZX",),
    "pipable": ("--pipable", "--compress=none"),
    "solid": ("--solid",),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Path:
    """A Windows folder with enough noise for three chunks, and a small one, captured in every variant."""
    folder = tmp_path_factory.mktemp("integrity")
    for name in ("small", "large"):
        write_tree(select_current_2().files(), folder / name)
    (folder / "large" / "noise").write_bytes(random.Random(1).randbytes(NOISE))
    tool = find_tool("wimlib-imagex", "wimtools")
    for name, options in VARIANTS.items():
        source = "large" if name in ("stored", "pipable") else "small"
        command = [tool, "capture", source, f"{name}.wim", "Server", "--check", "--threads=1", *options]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    subprocess.run([tool, "capture", "small", "plain.wim"], cwd=folder, check=True, capture_output=True)
    return folder


def wimlib_verifies(path: Path, find_tool: FindTool) -> bool:
    command = [find_tool("wimlib-imagex", "wimtools"), "verify", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def integrity_of(result: Scan) -> list[tuple[str, str]]:
    checks = result.installations[0].integrity
    return [(check.outcome, check.detail) for check in checks if check.check == "wim-integrity"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sound_file(variant: str, folder: Path, find_tool: FindTool) -> None:
    path = folder / f"{variant}.wim"
    assert wimlib_verifies(path, find_tool)
    count = 3 if variant in ("stored", "pipable") else 1
    result = scan(path, ScanOptions(hash_target=True))
    assert integrity_of(result) == [("ok", f"{path.name}: all {count} chunks have their hash")]
    assert (result.exit.code, result.errors) == (0, ())
    assert integrity_of(scan(path)) == [("not-checked", f"{path.name}: it has a table of hashes")]


def test_a_file_without_a_table(folder: Path) -> None:
    assert integrity_of(scan(folder / "plain.wim")) == []
    result = scan(folder / "plain.wim", ScanOptions(hash_target=True))
    assert integrity_of(result) == [("not-checked", "plain.wim: it has no table of hashes")]
    assert result.exit.code == 0


@pytest.mark.parametrize("variant", ["stored", "pipable"])
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_the_first_bad_chunk_is_named(
    variant: str, chunk: int, folder: Path, tmp_path: Path, find_tool: FindTool
) -> None:
    """The bytes that are changed are of a file that a scan does not read, or nothing else would be wrong."""
    data = bytearray((folder / f"{variant}.wim").read_bytes())
    noise = data.index(random.Random(1).randbytes(64))
    for number in range(chunk, 3):
        data[min(noise + 1000 + number * CHUNK, noise + NOISE - 9)] ^= 0x10
    path = tmp_path / "spoilt.wim"
    path.write_bytes(data)
    assert not wimlib_verifies(path, find_tool)
    result = scan(path, ScanOptions(hash_target=True))
    ((outcome, detail),) = integrity_of(result)
    first = (noise + 1000 + chunk * CHUNK - HEADER_SIZE) // CHUNK
    assert outcome == "damaged"
    assert f"chunk {first + 1} of 3, from offset {HEADER_SIZE + first * CHUNK:#x} on" in detail
    assert [(error.kind, detail in error.message) for error in result.errors] == [("damaged", True)]
    assert result.exit.code == 4


def test_every_part_of_a_split_file_is_checked_hashed_and_listed(
    folder: Path, tmp_path: Path, find_tool: FindTool
) -> None:
    tool = find_tool("wimlib-imagex", "wimtools")
    (folder / "two").mkdir(exist_ok=True)
    write_tree(select_current_2().files(), folder / "two")
    for number in range(3):
        (folder / "two" / f"{number}").write_bytes(random.Random(number).randbytes(1 << 20))
    for command in (
        ["capture", str(folder / "two"), str(tmp_path / "all.wim"), "--compress=none", "--check"],
        ["split", str(tmp_path / "all.wim"), str(tmp_path / "install.swm"), "1", "--check"],
    ):
        subprocess.run([tool, *command], check=True, capture_output=True)
    parts = sorted(tmp_path.glob("*.swm"))
    result = scan(parts[0], ScanOptions(hash_target=True))
    assert {outcome for outcome, _ in integrity_of(result)} == {"ok"}
    assert [detail.partition(":")[0] for _, detail in integrity_of(result)] == [part.name for part in parts]
    assert [file.path for file in result.target.files] == [str(part) for part in parts]
    assert all(file.sha256 for file in result.target.files)
    spoilt = bytearray(parts[1].read_bytes())
    spoilt[5000] ^= 1
    parts[1].write_bytes(spoilt)
    outcomes = [outcome for outcome, _ in integrity_of(scan(parts[0], ScanOptions(hash_target=True)))]
    assert outcomes == ["ok", "damaged", *["ok"] * (len(parts) - 2)]


@pytest.mark.parametrize("variant", ["LZX", "solid"])
def test_tables_that_do_not_fit_their_file(variant: str, folder: Path) -> None:
    """Every number of the table and of its record in the header changed, alone and at random: an error or a verdict."""
    data = (folder / f"{variant}.wim").read_bytes()
    place = read_header(MemoryBytes(data)).integrity.offset
    numbers, started = random.Random(variant), time.process_time()
    fields = [(124, 7), (131, 1), (132, 8), (140, 8), (place, 4), (place + 4, 4), (place + 8, 4), (place + 12, 20)]
    for offset, size in fields * 12:
        spoilt = bytearray(data)
        spoilt[offset : offset + size] = numbers.choice((bytes(size), b"\xff" * size, numbers.randbytes(size)))
        source = MemoryBytes(bytes(spoilt))
        try:
            table = read_integrity_table(source, read_header(source), DEFAULT_LIMITS)
            assert table is None or offset >= place + 8 or table.hashes
            if table is not None:
                table.first_wrong(source)
        except BuildlabError:
            continue
    assert time.process_time() - started < 20


def test_a_table_that_is_cut_is_damage(folder: Path, tmp_path: Path) -> None:
    data = (folder / "LZX.wim").read_bytes()
    place = read_header(MemoryBytes(data)).integrity.offset
    path = tmp_path / "cut.wim"
    for length in range(place, len(data)):
        path.write_bytes(data[:length])
        with open_target(str(path)) as target:
            assert [check.outcome for check in target.verify()] == ["damaged"]


def encrypted(data: bytes, element: str) -> bytes:
    """The file with XML that says so, and everything but header and XML unreadable."""
    header = read_header(MemoryBytes(data))
    xml = data[header.xml.offset : header.xml.offset + header.xml.stored_size].decode("utf-16")
    xml = xml.replace("</WIM>", f"{element}</WIM>")
    stored = b"\xff\xfe" + xml.encode("utf-16-le")
    body = random.Random(2).randbytes(len(data) - HEADER_SIZE)
    record = struct.pack("<QQQ", len(stored) | 2 << 56, len(data), len(stored))
    return data[:72] + record + data[96:HEADER_SIZE] + body + stored


@pytest.mark.parametrize("variant", ["solid", "LZX"])
def test_an_encrypted_esd_is_refused_by_name(variant: str, folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    """wimlib knows such a file by the same element."""
    path = tmp_path / "install.esd"
    element = '<ESD><ENCRYPTED COUNT="1"><RANGE OFFSET="208" BYTES="1024"/></ENCRYPTED></ESD>'
    path.write_bytes(encrypted((folder / f"{variant}.wim").read_bytes(), element))
    command = [find_tool("wimlib-imagex", "wimtools"), "info", str(path)]
    theirs = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "encrypted" in theirs.stderr
    result = scan(path)
    assert (result.exit.code, [error.kind for error in result.errors]) == (3, ["encrypted"])
    assert "encrypted ESD" in result.errors[0].message
    assert "decrypt" in (result.errors[0].hint or "")


def test_other_words_of_encryption_say_nothing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "install.esd"
    data = (folder / "solid.wim").read_bytes()
    header = read_header(MemoryBytes(data))
    said = encrypted(data, "<IMAGES><ENCRYPTED/></IMAGES>")
    path.write_bytes(said[:HEADER_SIZE] + data[HEADER_SIZE:] + said[len(data) :])
    with open_target(str(path)) as target:
        assert not isinstance(target.error, EncryptedVolumeError)
        assert len(target.volumes) == header.images
