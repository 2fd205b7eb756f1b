"""Where Windows is looked for: an upgrade under way, and images that lie on a volume."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.operations.scan import ScanOptions, exit_code_of_all, scan
from tests.kit.hive import write_hive
from tests.kit.systems import select_current_2
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree
from tests.places import FIXTURES

FindTool = Callable[[str, str], str]
DEEP = ScanOptions(deep=True)
OLD, NEW = "6.0.6003.20489", "10.0.19045.3803"


def recovery_files() -> dict[str, bytes]:
    image = windows_10_22h2()
    files = {name: data for name, data in image.files().items() if "System32" in name}
    system = image.system()
    system.ensure(r"ControlSet001\Control\MiniNT")
    files["Windows/System32/config/SYSTEM"] = write_hive(system)
    files["sources/recovery/RecEnv.exe"] = b"MZ"
    return files


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> dict[str, bytes]:
    """A recovery environment, and an image of Windows to be installed, as WIM files."""
    wimlib = find_tool("wimlib-imagex", "wimtools")
    folder = tmp_path_factory.mktemp("images")
    made: dict[str, bytes] = {}
    for name, files in (("winre", recovery_files()), ("install", windows_10_22h2().files())):
        write_tree(files, folder / name)
        command = [wimlib, "capture", str(folder / name), str(folder / f"{name}.wim"), name, "--compress=none"]
        subprocess.run(command, check=True, capture_output=True)
        made[name] = (folder / f"{name}.wim").read_bytes()
    return made


def found(folder: Path, options: ScanOptions | None = None) -> list[tuple[str, str, str | None]]:
    result = scan(folder, options)
    return [(item.location, item.kind, item.identity.version_full) for item in result.installations]


@pytest.mark.parametrize("name", ["$WINDOWS.~BT", "$Windows.~ls"])
def test_the_windows_of_an_upgrade_comes_after_the_one_that_runs(name: str, tmp_path: Path) -> None:
    write_tree(select_current_2().files(), tmp_path)
    write_tree(windows_10_22h2().files(f"{name}/NewOS/Windows"), tmp_path)
    write_tree(windows_10_22h2().files("$Recycle.Bin/Windows"), tmp_path)
    write_tree(windows_10_22h2().files("$Recycle.Bin"), tmp_path)
    assert found(tmp_path) == [("/Windows", "windows", OLD), (f"/{name}/NewOS/Windows", "windows", NEW)]


def test_the_windows_of_an_upgrade_alone(tmp_path: Path) -> None:
    write_tree(windows_10_22h2().files("$WINDOWS.~BT/NewOS/Windows"), tmp_path)
    assert found(tmp_path) == [("/$WINDOWS.~BT/NewOS/Windows", "windows", NEW)]


def test_images_on_a_volume_are_opened_when_asked_for(images: dict[str, bytes], tmp_path: Path) -> None:
    write_tree(select_current_2().files(), tmp_path)
    write_tree(
        {
            "Windows/System32/Recovery/WINRE.WIM": images["winre"],
            "$WINDOWS.~BT/Sources/Install.wim": images["install"],
        },
        tmp_path,
    )
    own = [("/Windows", "windows", OLD)]
    assert found(tmp_path) == own
    assert found(tmp_path, DEEP) == [
        *own,
        ("/Windows/System32/Recovery/Winre.wim!image 1:/Windows", "winre", NEW),
        ("/$WINDOWS.~BT/sources/install.wim!image 1:/Windows", "windows", NEW),
    ]
    assert scan(tmp_path, DEEP).exit.code == 0


def test_a_recovery_partition(images: dict[str, bytes], tmp_path: Path) -> None:
    write_tree({"Recovery/WindowsRE/Winre.wim": images["winre"]}, tmp_path)
    plain = scan(tmp_path)
    assert (plain.exit.code, plain.exit.reason) == (3, "no-installation")
    assert found(tmp_path, DEEP) == [("/Recovery/WindowsRE/Winre.wim!image 1:/Windows", "winre", NEW)]


def test_images_in_images_are_not_opened(images: dict[str, bytes], tmp_path: Path, find_tool: FindTool) -> None:
    files = recovery_files() | {"Windows/System32/Recovery/Winre.wim": images["winre"]}
    write_tree(files, tmp_path / "content")
    place = tmp_path / "volume/Recovery/WindowsRE/Winre.wim"
    place.parent.mkdir(parents=True)
    command = [find_tool("wimlib-imagex", "wimtools"), "capture", str(tmp_path / "content"), str(place), "x"]
    subprocess.run(command, check=True, capture_output=True)
    assert [location for location, *_ in found(tmp_path / "volume", DEEP)] == [
        "/Recovery/WindowsRE/Winre.wim!image 1:/Windows"
    ]


@pytest.mark.parametrize("content", [b"", b"MSWIM\0\0\0", b"nothing known" * 100])
def test_a_damaged_image_does_not_hide_the_windows_around_it(content: bytes, tmp_path: Path) -> None:
    write_tree({**select_current_2().files(), "Recovery/WindowsRE/Winre.wim": content}, tmp_path)
    result = scan(tmp_path, DEEP)
    assert [item.location for item in result.installations] == ["/Windows"]
    assert [error.path for error in result.errors] == ["/Recovery/WindowsRE/Winre.wim"]
    assert (result.exit.code, scan(tmp_path).exit.code) == (4, 0)


def test_cut_images_on_a_volume(images: dict[str, bytes], tmp_path: Path) -> None:
    write_tree(select_current_2().files(), tmp_path)
    place = tmp_path / "Windows/System32/Recovery/Winre.wim"
    place.parent.mkdir(parents=True)
    whole = images["winre"]
    for part in range(1, 16):
        place.write_bytes(whole[: len(whole) * part // 16])
        result = scan(tmp_path, DEEP)
        assert result.installations[0].identity.version_full == OLD
        assert result.exit.code == 4


def test_two_disks_are_two_targets_and_the_worst_code_counts(tmp_path: Path) -> None:
    disks = [FIXTURES / "select-current-2.vhd", FIXTURES / "windows10-22h2-19045-amd64.vhd"]
    both = [scan(disk) for disk in disks]
    assert [result.installations[0].identity.version_full for result in both] == [OLD, NEW]
    assert [result.target.path for result in both] == [str(disk) for disk in disks]
    broken = tmp_path / "broken.vhd"
    broken.write_bytes(disks[0].read_bytes()[: 1 << 20])
    codes = [scan(disk).exit.code for disk in (*disks, broken)]
    assert codes[:2] == [0, 0]
    assert exit_code_of_all(codes) == 4


def test_the_command_line_has_the_option(images: dict[str, bytes], tmp_path: Path) -> None:
    write_tree({"Recovery/WindowsRE/Winre.wim": images["winre"]}, tmp_path)
    command = [sys.executable, "-m", "buildlab", "scan", str(tmp_path), "--quiet"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 3
    deep = subprocess.run([*command, "--deep"], capture_output=True, text=True, check=False)
    assert deep.returncode == 0
    assert NEW in deep.stdout
