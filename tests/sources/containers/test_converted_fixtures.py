"""A fixture converted to other disk formats scans as the fixture itself does."""

from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.results.scan import Scan
from tests.conftest import FindTool
from tests.places import FIXTURES, scan_of
from tests.sources.containers.disk_images import run

NAME = "select-current-2.vhd"


def assert_scans_alike(found: Scan, kind: str) -> None:
    expected = scan_of(NAME)
    assert (found.target.kind, found.exit.code, found.errors) == (kind, 0, ())
    assert len(found.installations) == len(expected.installations) > 0
    for one, other in zip(found.installations, expected.installations, strict=True):
        assert one.identity == other.identity
        assert one.updates == other.updates
        assert one.packages == other.packages
        assert one.pending == other.pending
        assert one.gaps == other.gaps


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("qcow2", []),
        ("qcow2", ["-c"]),
        ("qcow2", ["-o", "compat=0.10"]),
        ("qcow2", ["-c", "-o", "cluster_size=512"]),
        ("qcow2", ["-o", "extended_l2=on"]),
        ("vdi", []),
        ("vdi", ["-o", "static=on"]),
    ],
    ids=" ".join,
)
def test_converted_by_qemu_img(kind: str, flags: list[str], tmp_path: Path, find_tool: FindTool) -> None:
    image = tmp_path / f"image.{kind}"
    run(find_tool("qemu-img", "qemu-utils"), "convert", "-f", "vpc", "-O", kind, *flags, FIXTURES / NAME, image)
    assert_scans_alike(scan(image), kind)


@pytest.mark.parametrize("format", ["vpc", "vdi", "raw", "qcow2"])
def test_an_overlay_on_a_base(format: str, tmp_path: Path, find_tool: FindTool) -> None:
    tool, base, child = find_tool("qemu-img", "qemu-utils"), tmp_path / "base", tmp_path / "child.qcow2"
    if format == "vpc":
        base.write_bytes((FIXTURES / NAME).read_bytes())
    else:
        run(tool, "convert", "-f", "vpc", "-O", format, FIXTURES / NAME, base)
    run(tool, "create", "-f", "qcow2", "-b", base, "-F", format, child)
    assert_scans_alike(scan(child), "qcow2")
    base.unlink()
    alone = scan(child)
    assert (alone.exit.code, [error.kind for error in alone.errors]) == (3, ["missing-parent"])


def test_acquired_by_ewfacquire(tmp_path: Path, find_tool: FindTool) -> None:
    raw, image = tmp_path / "disk.raw", tmp_path / "image"
    run(find_tool("qemu-img", "qemu-utils"), "convert", "-f", "vpc", "-O", "raw", FIXTURES / NAME, raw)
    acquire = find_tool("ewfacquire", "ewf-tools")
    run(acquire, "-u", "-q", "-f", "encase6", "-c", "none", "-S", str(1 << 20), "-t", image, raw)
    found = scan(image.with_suffix(".E01"))
    assert_scans_alike(found, "ewf")
    outcomes = {check.check: check.outcome for check in found.installations[0].integrity}
    assert outcomes["ewf-hash"] == "not-checked"
    image.with_suffix(".E02").rename(tmp_path / "lost")
    assert scan(image.with_suffix(".E01")).exit.code in (3, 4)
