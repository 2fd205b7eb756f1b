"""Make the synthetic disk images and update packages of `fixtures/`, or check that they can be made again.

    python scripts/make_fixtures.py                 make all, write fixtures/manifest.toml
    python scripts/make_fixtures.py NAME...         make only those whose file name contains NAME
    python scripts/make_fixtures.py --check         make all in a temporary folder and compare with the committed ones

The content of every Windows comes from `tests/kit` (its own writers of hives, logs, executables and manifests);
volumes are made by mkntfs and wimlib (libntfs-3g), partition tables by sfdisk, VHD files by qemu-img, all with a
frozen clock. Each volume is read back with libfsntfs and compared with its content before it goes into a disk. Update
packages are made by `tests/kit` alone, signed by a root of its own (`fixtures/packages/root.pem`). Images need
these Debian packages: ntfs-3g, wimtools, qemu-utils, fdisk, faketime; and the Python packages of the test extra.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from buildlab.operations.packages import PackagesOptions, inspect_packages  # noqa: E402
from buildlab.results.package_set import UpdatePackage  # noqa: E402
from tests.kit.fixture_list import FIXTURES, Fixture, Part, Recorded, manifest  # noqa: E402
from tests.kit.package_fixtures import FOLDER, PACKAGE_FIXTURES, PackageFixture, package_entries  # noqa: E402
from tests.kit.signing import our_root  # noqa: E402
from tests.kit.volume_reader import volume_tree  # noqa: E402

TOOLS = {
    "mkntfs": "ntfs-3g",
    "wimlib-imagex": "wimtools",
    "qemu-img": "qemu-utils",
    "sfdisk": "fdisk",
    "faketime": "faketime",
}
SECTOR = 512
CLOCK = datetime(2020, 1, 14, 10, 0, 0, tzinfo=UTC)
STAMP = 1578990000
"""Modification time of every file, Unix seconds."""


class ToolError(Exception):
    """A tool is missing or failed; the message is for the person at the terminal."""


def run(*command: str, frozen: bool = True, minutes: int = 0, stdin: str | None = None) -> str:
    """Run a tool, with a clock frozen `minutes` after `CLOCK` unless told otherwise; its output."""
    moment = (CLOCK + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S")
    prefix = ["faketime", "-f", moment] if frozen else []
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    done = subprocess.run(
        [*prefix, *command], input=stdin, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise ToolError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def require_tools() -> None:
    """Raise `ToolError` naming every Debian package that is missing."""
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    os.environ["PATH"] = search
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise ToolError(f"these Debian packages are needed: apt-get install {' '.join(missing)}")


def stage(files: dict[str, bytes], folder: Path) -> None:
    """Lay the files out with fixed times; the kernel is a hard link to its copy in the component store."""
    seen: dict[tuple[str, bytes], Path] = {}
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        own = (path[: path.lower().index("windows/")], data)
        if path.endswith("ntoskrnl.exe") and own in seen:
            place.hardlink_to(seen[own])
        else:
            place.write_bytes(data)
            seen[own] = place
    for place in sorted(folder.rglob("*"), reverse=True):
        os.utime(place, (STAMP, STAMP))
    os.utime(folder, (STAMP, STAMP))


def estimate(files: dict[str, bytes], cluster: int) -> int:
    """Bytes an NTFS volume for `files` needs at least."""
    content = sum(-(-len(data) // cluster) * cluster for data in files.values() if len(data) > 600)
    entries = len(files) + len({str(Path(path).parent) for path in files}) + 30
    return max(1_150_000, 700_000 + content + entries * 1400)


def make_volume(part: Part, name: str, start: int, work: Path) -> Path:
    """An NTFS volume image holding the part's files, as small as it can be made.

    mkntfs takes the volume's serial number from the clock: each volume has its own minute, from `name` and `start`.
    """
    minutes = int.from_bytes(hashlib.sha256(f"{name}{start}".encode()).digest()[:2], "big")
    folder, archive, volume = work / "tree", work / "tree.wim", work / f"volume{start}.img"
    shutil.rmtree(folder, ignore_errors=True)
    archive.unlink(missing_ok=True)
    stage(part.files, folder)
    run("wimlib-imagex", "capture", str(folder), str(archive), "--compress=none", "--threads=1")
    size = estimate(part.files, part.cluster)
    geometry = ["-s", str(SECTOR), "-p", str(start), "-H", "255", "-S", "63"]
    for _ in range(40):
        size = -(-size // 4096) * 4096
        volume.unlink(missing_ok=True)
        with volume.open("wb") as out:
            out.truncate(size)
        options = ["-F", "-Q", "-q", "-c", str(part.cluster), *geometry, "-L", part.label]
        run("mkntfs", *options, str(volume), minutes=minutes)
        try:
            run("wimlib-imagex", "apply", str(archive), "1", str(volume))
        except ToolError:
            size += 131_072
            continue
        found = volume_tree(volume)
        wanted = {path: hashlib.sha256(data).hexdigest() for path, data in part.files.items()}
        if found != wanted:
            raise ToolError(f"{part.label}: the volume does not read back as it was written")
        return volume
    raise ToolError(f"{part.label}: no volume size fits")


def table_script(fixture: Fixture, parts: Sequence[Part], sizes: Sequence[int]) -> tuple[str, list[int], int]:
    """sfdisk's script for the fixture, the start sector of each volume, and the sectors of the whole disk."""
    lines = [f"label: {fixture.table}", f"label-id: {fixture.disk_id}", "unit: sectors", "sector-size: 512"]
    starts: list[int] = []
    at = fixture.start
    for number, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        sectors = -(-size // SECTOR)
        if part.logical:
            lines.append(f"start={at}, size={sectors + fixture.start}, type=f")
            at += fixture.start
            number = 4
        kind = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7" if fixture.table == "gpt" else "7"
        unique = f", uuid={fixture.disk_id[:-2]}{number + 16:02X}, name=Windows" if fixture.table == "gpt" else ""
        active = ", bootable" if fixture.table == "dos" and number == 0 else ""
        lines.append(f"start={at}, size={sectors}, type={kind}{unique}{active}")
        starts.append(at)
        at = -(-(at + sectors) // fixture.start) * fixture.start
    total = at + (34 if fixture.table == "gpt" else 0)
    return "\n".join([*lines, ""]), starts, total


def build(fixture: Fixture, folder: Path) -> Path:
    """Make one fixture in `folder`."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        parts = fixture.parts()
        sizes = [0] * len(parts)
        made: list[Path] = []
        for number, part in enumerate(parts):
            _, starts, _ = table_script(fixture, parts, sizes)
            made.append(make_volume(part, fixture.file, starts[number], work))
            sizes[number] = made[number].stat().st_size
        script, starts, total = table_script(fixture, parts, sizes)
        raw = work / "disk.raw"
        with raw.open("wb") as out:
            out.truncate(total * SECTOR)
        run("sfdisk", "--no-reread", "--no-tell-kernel", "--quiet", str(raw), stdin=script)
        with raw.open("r+b") as out:
            for start, volume in zip(starts, made, strict=True):
                out.seek(start * SECTOR)
                out.write(volume.read_bytes())
        target = folder / fixture.file
        if fixture.container == "raw":
            shutil.copyfile(raw, target)
        else:
            options = f"subformat={fixture.container},force_size=on"
            run("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", options, str(raw), str(target))
            fix_identifier(target, fixture)
            run("qemu-img", "compare", "-f", "raw", "-F", "vpc", str(raw), str(target), frozen=False)
        return target


def fix_identifier(path: Path, fixture: Fixture) -> None:
    """Replace the random identifier in a VHD's footer (and its copy) by one made from the name."""
    unique = hashlib.sha256(fixture.file.encode()).digest()[:16]
    with path.open("r+b") as disk:
        for place in (0, disk.seek(0, os.SEEK_END) - 512):
            disk.seek(place)
            footer = bytearray(disk.read(512))
            if footer[:8] != b"conectix":
                continue
            footer[68:84] = unique
            footer[64:68] = bytes(4)
            footer[64:68] = (~sum(footer) & 0xFFFFFFFF).to_bytes(4, "big")
            disk.seek(place)
            disk.write(footer)


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def volumes(path: Path, *, content: bool = False) -> tuple[list[int], list[dict[str, str]]]:
    """Where the volumes of a finished image lie, and with `content` the paths and hashes of each one's files."""
    with tempfile.TemporaryDirectory() as temporary:
        raw = path
        if path.suffix == ".vhd":
            raw = Path(temporary) / "disk.raw"
            run("qemu-img", "convert", "-f", "vpc", "-O", "raw", str(path), str(raw), frozen=False)
        table = json.loads(run("sfdisk", "--json", str(raw), frozen=False))["partitiontable"]
        offsets = [entry["start"] * SECTOR for entry in table["partitions"] if entry["type"] != "f"]
        return offsets, [volume_tree(raw, offset) for offset in offsets] if content else []


def check(chosen: Sequence[Fixture], committed: Path) -> int:
    """Make the fixtures again and compare; the number of those whose content differs."""
    stated = tomllib.loads((committed / "manifest.toml").read_text(encoding="utf-8"))["fixture"]
    hashes = {entry["file"]: entry["sha256"] for entry in stated}
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        for fixture in chosen:
            built = build(fixture, Path(temporary))
            original = committed / fixture.file
            if not original.exists():
                outcome = "MISSING"
            elif sha256(original) != hashes.get(fixture.file):
                outcome = "NOT THE ONE IN THE MANIFEST"
            elif sha256(built) == hashes[fixture.file]:
                outcome = "byte-identical"
            elif volumes(original, content=True)[1] == volumes(built, content=True)[1]:
                outcome = "same content, other bytes (different tool versions)"
            else:
                outcome = "DIFFERENT CONTENT"
            wrong += outcome.isupper()
            print(f"{fixture.file}: {outcome}")
            built.unlink()
    return wrong


def check_packages(chosen: Sequence[PackageFixture], committed: Path) -> int:
    """Make the packages again and compare; the number of those that differ. Other versions of zlib may compress to
    other bytes: then what is read of both is compared."""
    wrong = 0
    for fixture in chosen:
        original = committed / FOLDER / fixture.file
        made = fixture.make()
        if not original.exists():
            outcome = "MISSING"
        elif original.read_bytes() == made:
            outcome = "byte-identical"
        elif package_content(original.read_bytes()) == package_content(made):
            outcome = "same content, other bytes (different library versions)"
        else:
            outcome = "DIFFERENT CONTENT"
        wrong += outcome.isupper()
        print(f"{fixture.file}: {outcome}")
    return wrong


def package_content(data: bytes) -> UpdatePackage:
    """What is read of a package, without what depends on how it is compressed."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "package.msu"
        path.write_bytes(data)
        options = PackagesOptions(as_of=CLOCK, verify=True, roots=(our_root().der,), jobs=1)
        (package,) = inspect_packages([path], options).packages
        return replace(package, path="", sha256=None, size=0, contains=())


def make_packages(chosen: Sequence[PackageFixture], folder: Path) -> None:
    """Write the packages, and the root that they are signed under."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / FOLDER / "root.pem").write_bytes(our_root().pem)
    for fixture in chosen:
        data = fixture.make()
        (folder / FOLDER / fixture.file).write_bytes(data)
        print(f"{fixture.file}: {len(data):,} bytes", flush=True)


def recorded(folder: Path) -> dict[str, Recorded]:
    """What the manifest has to state about the images in `folder`."""
    return {
        fixture.file: Recorded(sha256(path), path.stat().st_size, tuple(volumes(path)[0]))
        for fixture in FIXTURES
        if (path := folder / fixture.file).exists()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when all went well, 1 when a check failed, 2 when a tool is missing or failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="only fixtures whose file name contains one of these")
    parser.add_argument("--check", action="store_true", help="compare with the committed fixtures, change nothing")
    options = parser.parse_args(arguments)
    chosen = [
        fixture for fixture in FIXTURES if not options.names or any(name in fixture.file for name in options.names)
    ]
    packages = [one for one in PACKAGE_FIXTURES if not options.names or any(name in one.file for name in options.names)]
    started = time.perf_counter()
    folder = ROOT / "fixtures"
    try:
        require_tools()
        if options.check:
            return 1 if check_packages(packages, folder) + check(chosen, folder) else 0
        make_packages(packages, folder)
        for fixture in chosen:
            built = build(fixture, folder)
            print(f"{fixture.file}: {built.stat().st_size:,} bytes", flush=True)
        text = f"{manifest(recorded(folder))}\n{package_entries(folder)}"
        (folder / "manifest.toml").write_text(text, encoding="utf-8")
    except ToolError as error:
        print(f"make_fixtures: {error}", file=sys.stderr)
        return 2
    print(f"done in {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
