"""A volume with two shadow copies that Windows made."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from buildlab.errors import PathNotFoundError
from buildlab.operations.scan import scan
from buildlab.sources.target import open_target
from tests.conftest import FindTool

IMAGE = "images/vsstest.qcow2"


@pytest.fixture(scope="module")
def raw(real_folder: Path, tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Path:
    """The image as the tools of libvshadow read it."""
    path = tmp_path_factory.mktemp("raw") / "raw"
    tool = find_tool("qemu-img", "qemu-utils")
    subprocess.run([tool, "convert", "-O", "raw", str(real_folder / IMAGE), str(path)], check=True)
    return path


def test_the_list_is_that_of_vshadowinfo(real_folder: Path, raw: Path, find_tool: FindTool) -> None:
    tool = find_tool("vshadowinfo", "libvshadow-utils")
    out = subprocess.run([tool, str(raw)], check=True, capture_output=True, text=True).stdout
    copies = scan(real_folder / IMAGE).volumes[0].shadow_copies
    assert [copy.store for copy in copies] == re.findall(r"\tIdentifier\s+: (\S+)", out)
    assert [copy.identifier for copy in copies] == re.findall(r"Shadow copy ID\s+: (\S+)", out)
    assert [copy.created for copy in copies] == ["2013-12-03T06:35:09.736378Z", "2013-12-03T06:37:48.919058Z"]
    assert re.findall(r"(\d\d:\d\d:\d\d\.\d{6})", out) == [copy.created[11:-1] for copy in copies if copy.created]


@pytest.mark.parametrize(
    ("address", "there", "missing"),
    [
        ("", ("another_file", "password.txt", "syslog.gz"), ()),
        ("@shadow1", ("syslog",), ("another_file", "password.txt", "syslog.gz")),
        ("#1@shadow2", ("another_file", "syslog.gz"), ("syslog",)),
    ],
)
def test_what_was_there_at_the_time(
    address: str, there: tuple[str, ...], missing: tuple[str, ...], real_folder: Path
) -> None:
    with open_target(f"{real_folder / IMAGE}{address}") as target:
        tree = target.volumes[0].tree
        assert tree is not None
        names = {entry.name for entry in tree.entries("/")}
        assert names.issuperset(there)
        assert names.isdisjoint(missing)
        for name in there:
            file = tree.open(f"/{name}")
            assert len(file.read_at(0, file.size)) == file.size


def test_a_file_that_moved_from_one_copy_to_another_is_the_same(real_folder: Path) -> None:
    digests = set()
    for address in ("", "@shadow2"):
        with open_target(f"{real_folder / IMAGE}{address}") as target:
            assert target.volumes[0].tree is not None
            file = target.volumes[0].tree.open("/syslog.gz")
            digests.add(hashlib.sha256(file.read_at(0, file.size)).hexdigest())
    assert len(digests) == 1


def test_a_third_copy_is_not_there(real_folder: Path) -> None:
    with open_target(f"{real_folder / IMAGE}@shadow3") as target:
        assert isinstance(target.error, PathNotFoundError)
