"""Measure how fast an inventory is taken of a system with very many packages and a very large component store.

    .venv/bin/python scripts/bench_updates.py [--packages N] [--keys N] [--runs N] [--no-peer]

SOFTWARE gets 20,000 packages and COMPONENTS 250,000 keys by default, made by the writers of the tests. Printed are the
seconds of the whole inventory and the memory of the process that takes it, then those of a bare walk through the same
keys and values, of the same walk with plain python-registry, and how many times longer that is. Between them
stands how long a CBS.log of 100 MB takes. Times are the best of some runs.

Exit codes: 0 within 6 s, 600 MB, a fifth of the peer's time, and 5 s for the log; 1 outside one of them (they are for
the default sizes).
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.kit.component_store import CATALOGUES, COMPONENTS, DEPLOYMENTS, Component, Deployment, Store, mark  # noqa: E402
from tests.kit.hive import Key, dword, sz, write_hive  # noqa: E402
from tests.kit.names import key_form  # noqa: E402

Result = TypeVar("Result")
SECONDS, MEGABYTES, RATIO, LOG_SECONDS = 6.0, 600, 5.0, 5.0
PACKAGES = "Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\Packages"
INDEX = "10.0.19041.3745 (WinBuild.160101.0800)"
FAMILIES = f"DerivedData\\VersionedIndex\\{INDEX}\\ComponentFamilies"


def package_name(number: int) -> str:
    """The identity of one package."""
    return f"Package_{number}_for_KB{4_000_000 + number}~31bf3856ad364e35~amd64~~10.0.1.{number % 9}"


def software(packages: int) -> bytes:
    """SOFTWARE with a version and that many packages."""
    root = Key("ROOT")
    root.ensure("Microsoft\\Windows NT\\CurrentVersion").set(
        sz("CurrentBuildNumber", "19045"), sz("ProductName", "Windows 10 Pro"), dword("UBR", 3803)
    )
    parent = root.ensure(PACKAGES)
    for number in range(packages):
        key = Key(package_name(number))
        name = sz("InstallName", f"{key.name}.mum")
        key.set(dword("CurrentState", 0x70), dword("Visibility", 2), sz("InstallClient", "DISM"), name)
        key.set(dword("InstallTimeHigh", 30_741_234), dword("InstallTimeLow", number), dword("SelfUpdate", 0))
        key.ensure("Owners").set(dword(package_name(number // 10 * 10), 0x20070))
        parent.subkeys.append(key)
    return write_hive(root)


def components(keys: int, packages: int) -> bytes:
    """COMPONENTS with that many keys, in the shares that real ones have: more families than components, few others.

    Three values a key in the mean, as in a real hive of 249,988 keys and 653,386 values.
    """
    deployments = tuple(
        Deployment(
            name=f"Microsoft-Windows-Part{number}-Deployment",
            version=f"10.0.19041.{number}",
            catalogue=f"{number % 1000:064x}",
            marks=tuple(mark(kind, package_name(number % packages)) for kind in "psi"),
        )
        for number in range(keys // 25)
    )
    store = Store(
        components=tuple(
            Component(
                key_form=key_form("amd64", f"microsoft-windows-part{number}", f"10.0.19041.{number % 4000}"),
                identity=f"Microsoft-Windows-Part{number}, Culture=neutral, Version=10.0.19041.{number % 4000}",
                deployments=(deployments[number % len(deployments)],),
                files=(f"part{number % 3000}.dll", f"part{number % 3000}.mui"),
            )
            for number in range(keys * 2 // 5)
        ),
        deployments=deployments,
        catalogues=tuple(f"{number:064x}" for number in range(keys // 125)),
        families=tuple(
            f"amd64_microsoft-windows-part{number}_31bf3856ad364e35_none_{number:016x}"
            for number in range(keys - keys * 2 // 5 - keys // 25 - keys // 125)
        ),
        index=INDEX,
    )
    return write_hive(store.tree())


def take_inventory(folder: Path) -> tuple[float, float]:
    """(seconds, megabytes at most) of one inventory, to be run in a process of its own."""
    from buildlab.operations.scan import scan

    start = time.perf_counter()
    (installation,) = scan(folder).installations
    seconds = time.perf_counter() - start
    store = installation.component_store
    if store is None or not installation.packages or any(gap.makes_partial for gap in installation.gaps):
        raise SystemExit("the inventory is not complete")
    print(
        f"  {len(installation.packages):,} packages, {store.components:,} components, {store.installed_marks:,} marks"
    )
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def walk(folder: Path) -> tuple[float, int]:
    """Every key of the four lists: its name, its time, the values of packages and deployments, names of the others'.
    What is found is counted, so that both walks can be compared."""
    from buildlab.errors import FormatError
    from buildlab.readers.hive import open_hive

    start = time.perf_counter()
    found = 0
    faults: list[FormatError] = []
    software, store = (open_hive((folder / name).read_bytes()) for name in ("SOFTWARE", "COMPONENTS"))
    for hive, path in ((software, PACKAGES), (store, DEPLOYMENTS)):
        parent = hive.key(path)
        assert parent is not None
        for key in parent.bulk_read(child="Owners").keys:
            found += len(key.name) + (key.written > 0) + sum(map(len, key.child_value_names))
            found += sum(len(name) + len(value.raw) for name, value in key.values.items())
    for path in (COMPONENTS, CATALOGUES, FAMILIES):
        parent = store.key(path)
        assert parent is not None
        for name, _, written, value_names in parent.named_subkeys(faults):
            found += len(name) + (written > 0) + sum(map(len, value_names))
    if faults:
        raise SystemExit(f"{len(faults)} faults in sound hives")
    return time.perf_counter() - start, found


def walk_with_peer(folder: Path) -> tuple[float, int]:
    """The same walk with plain python-registry."""
    from Registry import Registry

    start = time.perf_counter()
    found = 0
    software, store = (Registry.Registry(str(folder / name)) for name in ("SOFTWARE", "COMPONENTS"))
    for hive, path in ((software, PACKAGES), (store, DEPLOYMENTS)):
        for key in hive.open(path).subkeys():
            found += len(key.name()) + (key.timestamp().year > 1601)
            found += sum(len(value.name()) + len(value.raw_data()) for value in key.values())
            for child in key.subkeys():
                if child.name() == "Owners":
                    found += sum(len(value.name()) for value in child.values())
    for path in (COMPONENTS, CATALOGUES, FAMILIES):
        for key in store.open(path).subkeys():
            found += len(key.name()) + (key.timestamp().year > 1601) + sum(len(value.name()) for value in key.values())
    return time.perf_counter() - start, found


def log(size: int) -> bytes:
    """A CBS.log of about that many bytes, in the dialect of Windows 7; one line in ten tells of servicing."""
    head = "2019-04-12 08:05:{:02}, Info                  CBS    "
    lines = [
        head
        + "Appl: detect Parent, Package: Package_{}_for_KB4493471~31bf3856ad364e35~amd64~~6.1.1.2, Parent: Foundation",
        head
        + "Exec: Package: Package_{}_for_KB4493471~31bf3856ad364e35~amd64~~6.1.1.2 is already in the correct state",
    ]
    lines = [lines[0]] * 9 + [lines[1]]
    block = "".join(f"{line.format(number % 60, number)}\r\n" for number in range(1000) for line in lines).encode()
    return block * (size // len(block) + 1)


def read_log(_: Path) -> tuple[float, int]:
    """(seconds, bytes) of reading one log of 100 MB; every line must be understood."""
    from buildlab.readers.byte_source import MemoryBytes
    from buildlab.readers.cbs_log import read_cbs_log

    data = log(100_000_000)
    start = time.perf_counter()
    tally = read_cbs_log(MemoryBytes(data)).tally
    if tally.lines != tally.understood or not tally.lines:
        raise SystemExit(f"{tally.understood} of {tally.lines} lines understood")
    return time.perf_counter() - start, len(data)


def make_hives(folder: Path, packages: int, keys: int) -> None:
    """Write both hives."""
    (folder / "SOFTWARE").write_bytes(software(packages))
    (folder / "COMPONENTS").write_bytes(components(keys, packages))


def in_a_process(work: Callable[..., Result], *arguments: object) -> Result:
    """Run a step where nothing else has taken memory before: a process begins with the most its parent ever had."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def main() -> int:
    """Make the hives, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave the walk with python-registry out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_a_process(make_hives, folder, arguments.packages, arguments.keys)
        sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.0f} MB" for path in sorted(folder.iterdir()))
        print(f"{arguments.packages:,} packages, {arguments.keys:,} keys: {sizes}")
        runs = [in_a_process(take_inventory, folder) for _ in range(arguments.runs)]
        seconds, megabytes = min(run[0] for run in runs), max(run[1] for run in runs)
        print(f"inventory        {seconds:7.2f} s  {megabytes:5.0f} MB  (due {SECONDS:.0f} s, {MEGABYTES} MB)")
        good = seconds < SECONDS and megabytes < MEGABYTES
        reading, size = min(in_a_process(read_log, folder) for _ in range(arguments.runs))
        print(f"CBS.log          {reading:7.2f} s  {size / 1e6:5.0f} MB  (due {LOG_SECONDS:.0f} s)")
        good = good and reading < LOG_SECONDS
        if not arguments.no_peer:
            own, found = min(in_a_process(walk, folder) for _ in range(arguments.runs))
            peer, found_by_peer = min(in_a_process(walk_with_peer, folder) for _ in range(arguments.runs))
            if found != found_by_peer:
                raise SystemExit(f"the walks differ: {found:.0f} and {found_by_peer:.0f}")
            print(f"walk             {own:7.2f} s")
            print(f"python-registry  {peer:7.2f} s  {peer / own:5.1f} times as long  (due {RATIO:.0f})")
            good = good and peer >= RATIO * own
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
