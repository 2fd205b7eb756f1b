"""Hives written by hivex, a writer that is not ours."""

import subprocess
from pathlib import Path

import pytest

from buildlab.readers.hive import open_hive
from tests.conftest import FindTool
from tests.kit.hive import Key, write_hive
from tests.readers.hive_walk import bulk_equals_single, oracle_rows, rows, walk

SCRIPT = """
import sys, hivex
h = hivex.Hivex(sys.argv[1], write=True)
root = h.root()
packages = h.node_add_child(root, "Packages")
for number in range(700):
    key = h.node_add_child(packages, "Package_%d_for_KB%d" % (number, 4000000 + number))
    h.node_set_values(key, [
        {"key": "CurrentState", "t": 4, "value": (number % 113).to_bytes(4, "little")},
        {"key": "InstallName", "t": 1, "value": ("p%d.mum\\0" % number).encode("utf-16-le")},
        {"key": "", "t": 3, "value": bytes(number)},
    ])
wide = h.node_add_child(root, "caf\\u00e9")
h.node_set_value(wide, {"key": "big", "t": 3, "value": bytes(range(256)) * 300})
deep = root
for number in range(40):
    deep = h.node_add_child(deep, "level%d" % number)
h.node_delete_child(h.node_get_child(packages, "Package_13_for_KB4000013"))
h.commit(None)
"""


def minimal(path: Path) -> Path:
    path.write_bytes(write_hive(Key("ROOT"), minor=3))
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = minimal(tmp_path_factory.mktemp("hivex") / "hive")
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("/usr/bin/python3 is not there")
    if subprocess.run([python, "-c", "import hivex"], capture_output=True, check=False).returncode:
        pytest.skip("python3-hivex (Debian) is not installed")
    subprocess.run([python, "-c", SCRIPT, str(path)], check=True, capture_output=True, timeout=60)
    return path.read_bytes()


def test_every_key_is_what_python_registry_gives(written: bytes) -> None:
    assert rows(open_hive(written)) == oracle_rows(written)


def test_what_was_written_is_there(written: bytes) -> None:
    hive = open_hive(written)
    packages = hive.key("Packages")
    assert packages is not None
    bulk = packages.bulk_read()
    assert (len(bulk.keys), bulk.faults) == (699, ())
    by_name = {key.name: key for key in bulk.keys}
    assert by_name["Package_300_for_KB4000300"].values["CurrentState"].number == 300 % 113
    assert by_name["Package_300_for_KB4000300"].values["InstallName"].text == "p300.mum"
    assert by_name["Package_300_for_KB4000300"].values[""].raw == bytes(300)
    assert packages.subkey("Package_13_for_KB4000013") is None
    assert hive.key("\\".join(f"level{number}" for number in range(40))) is not None


def test_a_large_value_of_an_old_hive(written: bytes) -> None:
    key = open_hive(written).key("CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}")
    assert key is not None
    value = key.value("big")
    assert value is not None
    assert value.raw == bytes(range(256)) * 300


def test_bulk_reads_agree(written: bytes) -> None:
    for key in walk(open_hive(written)):
        bulk_equals_single(key)


def test_hivexsh_writes_what_is_read(tmp_path: Path, find_tool: FindTool) -> None:
    path = minimal(tmp_path / "hive")
    commands = "add Microsoft\ncd Microsoft\nsetval 2\nUBR\ndword:0x00004e2d\nLab\nstring:vistasp2\ncommit\nquit\n"
    subprocess.run(
        [find_tool("hivexsh", "libhivex-bin"), "-w", str(path)], input=commands, text=True, check=True, timeout=60
    )
    key = open_hive(path.read_bytes()).key("Microsoft")
    assert key is not None
    ubr, lab = key.value("UBR"), key.value("Lab")
    assert ubr is not None
    assert lab is not None
    assert (ubr.number, lab.text) == (20013, "vistasp2")
