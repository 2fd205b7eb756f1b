"""The example systems, what is expected of them, and the committed fixtures made from them."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pefile
import pytest
from lxml import etree
from Registry import Registry

from tests.kit import systems, systems10
from tests.kit.expectations import update_states
from tests.kit.fixture_list import FIXTURES
from tests.kit.packages import SERVICING_ROOT
from tests.kit.windows import WindowsImage, with_dirty_software, write_tree
from tests.test_kit_hive_log import replay_new, replay_old

ROOT = Path(__file__).resolve().parent.parent
MAKERS: list[Callable[[], WindowsImage]] = [
    systems.server_2008_6003_amd64,
    systems.server_2008_6003_pending_x86,
    systems.server_2008_6003_ia64,
    systems.vista_6003_x86,
    systems.server_2008_6002_amd64,
    systems.select_current_2,
    systems.windows_7,
    systems10.windows_10_22h2,
    systems10.windows_11_23h2_arm64,
    systems10.server_2025,
]
TOOLS = ("mkntfs", "wimlib-imagex", "qemu-img", "sfdisk", "faketime")


@pytest.mark.parametrize("make", MAKERS)
def test_every_file_of_a_system_can_be_read(make: Callable[[], WindowsImage]) -> None:
    image = make()
    files = image.files()
    assert files == make().files()
    assert len({path.lower() for path in files}) == len(files)
    for path, data in files.items():
        if path.endswith((".exe", ".dll", ".mui")):
            assert pefile.PE(data=data, fast_load=True).FILE_HEADER.Machine == image.machine
        elif path.endswith((".mum", "pending.xml")):
            etree.fromstring(data)
    software = Registry.Registry(io.BytesIO(files["Windows/System32/config/SOFTWARE"]))
    packages = software.open(f"{SERVICING_ROOT}\\Packages").subkeys()
    assert len(packages) == len(image.packages)
    assert len({key.name().lower() for key in packages}) == len(packages)
    system = Registry.Registry(io.BytesIO(files["Windows/System32/config/SYSTEM"]))
    assert system.open("Select").value("Current").value() == image.current_set
    control = f"ControlSet{image.current_set:03}\\Control"
    assert system.open(f"{control}\\ProductOptions").value("ProductType").value() == image.product_type


def test_the_demonstration_has_every_state_in_real_numbers() -> None:
    image = systems.server_2008_6003_amd64()
    states = update_states(image)
    assert 1450 <= len(image.packages) <= 1700
    assert {package.state for package in image.packages} >= {
        0x00, 0x05, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x65, 0x70, 0x80, 0x37, -0x20, -0x40, -0x70, -0x80,
    }  # fmt: skip
    assert states["KB4493471"] == "installed"
    assert states["KB4489880"] == "superseded"
    assert states["KB4474419"] == "installed"
    assert states["KB2698365"] == "mixed"
    assert states["KB971033"] == "installed"


def test_renames_keep_their_empty_targets() -> None:
    files = systems.server_2008_6003_pending_x86().files()
    system = Registry.Registry(io.BytesIO(files["Windows/System32/config/SYSTEM"]))
    raw = system.open("ControlSet001\\Control\\Session Manager").value("PendingFileRenameOperations").raw_data()
    texts = raw.decode("utf-16-le").split("\0")
    assert len(texts) == 4 * 2 + 2
    assert texts[3] == texts[7] == ""


def test_dirty_hives_replay_to_the_clean_ones() -> None:
    place = "Windows/System32/config/SOFTWARE"
    before, after = systems.dirty_nt60()
    files = with_dirty_software(after, before, "DIRT")
    assert replay_old(files[place], files[f"{place}.LOG1"]) == after.hive("SOFTWARE")[4096:]
    before, after = systems10.dirty_windows_10()
    files = with_dirty_software(after, before, "HvLE")
    assert files[f"{place}.LOG2"] != b""
    clean = after.hive("SOFTWARE")[4096:]
    assert replay_new(files[place], files[f"{place}.LOG1"], files[f"{place}.LOG2"]) == clean
    assert replay_new(files[place], files[f"{place}.LOG1"]) != clean


def test_a_tree_is_laid_out_on_the_host(tmp_path: Path) -> None:
    write_tree(systems10.server_2025().files(), tmp_path)
    assert (tmp_path / "Windows/System32/config/SOFTWARE").read_bytes()[:4] == b"regf"


def test_the_manifest_tells_the_truth() -> None:
    entries = tomllib.loads((ROOT / "fixtures/manifest.toml").read_text(encoding="utf-8"))["fixture"]
    assert [entry["file"] for entry in entries] == [fixture.file for fixture in FIXTURES]
    for entry in entries:
        data = (ROOT / "fixtures" / entry["file"]).read_bytes()
        assert entry["synthetic"] is True
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    listed = {path.name for path in (ROOT / "fixtures").iterdir() if path.is_file()} - {"manifest.toml"}
    assert listed == {fixture.file for fixture in FIXTURES}


@pytest.mark.skipif(
    any(shutil.which(tool, path="/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/bin") is None for tool in TOOLS),
    reason="the fixture maker's Debian tools (ntfs-3g, wimtools, qemu-utils, fdisk, faketime) are not installed",
)
def test_the_fixtures_can_be_made_again() -> None:
    command = [sys.executable, str(ROOT / "scripts/make_fixtures.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
