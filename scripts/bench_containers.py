"""Measure how fast files are read through each container, next to a peer in the same run.

    .venv/bin/python scripts/bench_containers.py [--work DIR] [--runs N] [--only disks|wim] [--json FILE]

Disks: one NTFS volume with a file of 500 MB (half noise, half text) and a folder of 10,000 small files, as it is and in
every disk container. Measured in fresh processes, ours and the peer by turns, the best of some runs:

- the large file read in pieces of 1 MiB: ours against dissect.hypervisor (dissect.evidence for E01, a plain file object
  for the raw volume) below libfsntfs; at least 0.8 of the peer's speed is due;
- the folder listed and every file in it read: ours through each container against libfsntfs on a plain file object of
  the raw volume; at most twice its time is due. One more line has libfsntfs open the raw volume itself, without a
  call into Python for each read, which nothing inside a container can have.

WIM: a file of 1 GB (LZX) and a solid one (LZMS) with the Windows of `scripts/bench_image.py` in them,
whose hives and packages are those of an ordinary one; and the same with a Windows of `tests/kit`, whose hives have
2 MB, so that hardly more than the start of either program is measured. `buildlab scan` (start included), and reading
alone the files that the scan reads, against the time that wimlib-imagex takes to extract those files; at most twice
that is due.

The largest resident set of each of our processes is due to stay below 300 MiB. All images are made once and kept in
DIR, the peers in a virtual environment there, for measuring only. Needs: ntfs-3g, wimtools, qemu-utils, ewf-tools.

Exit codes: 0 measured and everything as due, 1 not so, or an answer was wrong, 2 something could not be made ready.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench_scan import BenchError, own_command, run_once, tell

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("dissect.hypervisor", "dissect.evidence", "libfsntfs-python")
SPEED_DUE, SMALL_DUE, WIM_DUE, RSS_DUE = 0.8, 2.0, 2.0, 300.0
"""Least share of the peer's speed, most times the peer's time, and MiB."""

BIG_BYTES = 500_000_000
SMALL_FILES = 10_000
VOLUME_BYTES = 640 << 20
_PIECE = 1 << 20
_MEMORY = Path("/dev/shm")
"""Where the peer extracts to: on a disk, the same files took it 0.08 s or 0.37 s, whatever was written before them."""
_QEMU = {
    "vhd": ("vpc", "-o", "subformat=dynamic,force_size=on"),
    "vhdx": ("vhdx", "-o", "subformat=dynamic"),
    "vmdk": ("vmdk",),
    "vmdk-stream": ("vmdk", "-o", "subformat=streamOptimized"),
    "qcow2": ("qcow2",),
    "qcow2-c": ("qcow2", "-c"),
    "vdi": ("vdi",),
}
KINDS = ("raw", *_QEMU, "e01")
_RAW_IN_C = "raw, peer in C"
_LIST = "files.txt"
"""Beside a WIM: the files in it that its scan reads."""
_LZX, _SOLID = ("--compress=LZX:20",), ("--solid", "--solid-compress=LZMS:20")
_WIM_FORMS = {
    "ordinary.wim": (True, 1_300_000_000, _LZX),
    "ordinary.esd": (True, 300_000_000, _SOLID),
    "small.wim": (False, 1_500_000_000, _LZX),
    "small.esd": (False, 300_000_000, _SOLID),
}
"""Whether the Windows is of ordinary size, bytes of other files before compression, and how to compress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One line: what was read, our best time and the peer's in seconds, the bytes, and our largest MiB."""

    what: str
    kind: str
    ours: float
    peer: float
    size: int
    rss_mib: float

    @property
    def times(self) -> float:
        """Our time by the peer's."""
        return self.ours / self.peer


def _tool(name: str, package: str) -> str:
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise BenchError(f"{name} is needed: apt-get install {package}")
    return path


def _run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False, env=environment)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise BenchError(f"{command[0]}: exit code {done.returncode}\n{said[-500:]}")


def _mixed(size: int, seed: int) -> Iterator[bytes]:
    """`size` bytes by the megabyte, in turn noise and text that deflates to about a third."""
    numbers = random.Random(seed)
    words = [b"Package_for_KB%d~31bf3856ad364e35~amd64~~6.0.1.%d\r\n" % (at * 7919, at) for at in range(3000)]
    for number in range(-(-size // _PIECE)):
        length = min(_PIECE, size - number * _PIECE)
        if number % 2:
            yield b"".join(numbers.choices(words, k=length // 40))[:length].ljust(length, b".")
        else:
            yield numbers.randbytes(length)


def ready_disks(work: Path) -> Path:
    """The folder with the volume in every container, named ``disk.KIND``."""
    folder = work / "disks"
    if (folder / "complete").exists():
        return folder
    tell(f"making the disk images in {folder} (a minute or two)")
    shutil.rmtree(folder, ignore_errors=True)
    tree, volume, archive = folder / "tree", folder / "disk.raw", folder / "tree.wim"
    (tree / "many").mkdir(parents=True)
    with (tree / "big.bin").open("wb") as out:
        for piece in _mixed(BIG_BYTES, 1):
            out.write(piece)
    numbers = random.Random(2)
    for number in range(SMALL_FILES):
        (tree / f"many/package_{number:05}.mum").write_bytes(numbers.randbytes(numbers.randrange(200, 4000)))
    with volume.open("wb") as out:
        out.truncate(VOLUME_BYTES)
    wimlib = _tool("wimlib-imagex", "wimtools")
    _run(_tool("mkntfs", "ntfs-3g"), "-F", "-Q", "-q", volume)
    _run(wimlib, "capture", tree, archive, "--compress=none")
    _run(wimlib, "apply", archive, "1", volume)
    shutil.rmtree(tree)
    archive.unlink()
    for kind, (form, *options) in _QEMU.items():
        made = folder / f"disk.{kind}"
        _run(_tool("qemu-img", "qemu-utils"), "convert", "-f", "raw", "-O", form, *options, volume, made)
    acquire = ["-u", "-q", "-f", "encase6", "-c", "fast", "-S", str(1 << 30)]
    _run(_tool("ewfacquire", "ewf-tools"), *acquire, "-t", folder / "disk", volume)
    (folder / "disk.E01").rename(folder / "disk.e01")
    (folder / "complete").touch()
    return folder


def ready_wims(work: Path) -> Path:
    """The folder with the images."""
    folder = work / "wims"
    folder.mkdir(exist_ok=True)
    for image in (folder / name for name in _WIM_FORMS):
        if not image.exists():
            tell(f"making {image} (some minutes)")
            _in_a_process(sys.executable, "--make", str(image))
    return folder


def make_wim(image: Path) -> None:
    """Make one of the images, which its name tells."""
    is_ordinary, size, options = _WIM_FORMS[image.name]
    tree, made = image.parent / "tree", image.with_suffix(".part")
    shutil.rmtree(tree, ignore_errors=True)
    _lay_out_windows(tree, size, is_ordinary=is_ordinary)
    _run(_tool("wimlib-imagex", "wimtools"), "capture", tree, made, "Windows", *options)
    made.replace(image)
    shutil.rmtree(tree)


def _lay_out_windows(tree: Path, size: int, *, is_ordinary: bool) -> None:
    """A Windows, and files of up to a megabyte around it, `size` bytes in all."""
    import bench_image  # which puts the project itself on the path
    from tests.kit.systems import server_2008_6003_amd64
    from tests.kit.windows import write_tree

    if is_ordinary:
        bench_image.stage(bench_image.ordinary_windows(), tree)
    else:
        write_tree(server_2008_6003_amd64().files(), tree)
    numbers, left, number = random.Random(3), size, 0
    pieces = _mixed(3 * size, 4)  # only the start of each is taken
    while left > 0:
        place = tree / f"Windows/winsxs/amd64_component_{number % 400:03}/file{number}.dll"
        place.parent.mkdir(parents=True, exist_ok=True)
        length = min(left, numbers.randrange(10_000, _PIECE))
        place.write_bytes(next(pieces)[:length])
        left, number = left - length, number + 1


def ready_peers(work: Path) -> str:
    """The interpreter of a virtual environment with the peers."""
    folder = work / "containers-peer"
    program = folder / "bin/python"
    if not (folder / "complete").exists():
        tell(f"installing {', '.join(PEERS)} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", folder)
        _run(program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS)
        (folder / "complete").touch()
    return str(program)


class _PeerFile:
    """A stream of the peer as libfsntfs wants it."""

    def __init__(self, stream: Any) -> None:
        self.read, self.tell, self.seek = stream.read, stream.tell, stream.seek
        self._size = stream.seek(0, 2)

    def get_size(self) -> int:
        return int(self._size)


def _peer_stream(kind: str, path: Path) -> Any:
    if kind == "raw":
        return path.open("rb")
    if kind == "e01":
        from dissect.evidence.ewf import EWF

        return EWF(path.open("rb")).open()
    from dissect.hypervisor.disk import qcow2, vdi, vhd, vhdx, vmdk

    if kind == "vhd":
        return vhd.VHD(path.open("rb"))
    if kind == "vhdx":
        return vhdx.VHDX(path)
    if kind.startswith("vmdk"):
        return vmdk.VMDK(path.open("rb"))
    if kind.startswith("qcow2"):
        return qcow2.QCow2(path.open("rb")).open()
    return vdi.VDI(path.open("rb")).open()


def _peer_big(kind: str, path: Path) -> Iterator[bytes]:
    import pyfsntfs

    volume = pyfsntfs.volume()
    volume.open_file_object(_PeerFile(_peer_stream(kind, path)))
    entry = volume.get_file_entry_by_path("\\big.bin")
    for _ in range(0, entry.size, _PIECE):
        yield entry.read_buffer(_PIECE)


def _peer_small(kind: str, path: Path) -> Iterator[bytes]:
    import pyfsntfs

    volume = pyfsntfs.volume()
    if kind == _RAW_IN_C:
        volume.open(str(path))
    else:
        volume.open_file_object(_PeerFile(path.open("rb")))
    folder = volume.get_file_entry_by_path("\\many")
    for number in range(folder.number_of_sub_file_entries):
        entry = folder.get_sub_file_entry(number)
        _ = entry.name
        yield entry.read_buffer(entry.size)


def _our_tree(path: Path) -> Any:
    from buildlab.sources.target import open_target

    target = open_target(str(path))
    if target.error is not None or target.volumes[0].tree is None:
        raise BenchError(f"{path.name}: {target.error or target.volumes[0].error}")
    return target.volumes[0].tree


def _our_big(_: str, path: Path) -> Iterator[bytes]:
    content = _our_tree(path).open("/big.bin")
    for offset in range(0, content.size, _PIECE):
        yield content.read_at(offset, _PIECE)


def _our_small(_: str, path: Path) -> Iterator[bytes]:
    tree = _our_tree(path)
    for entry in tree.entries("/many"):
        yield tree.read_entry(entry, entry.name, 1 << 20)


def _our_listed(_: str, path: Path) -> Iterator[bytes]:
    tree = _our_tree(path)
    for line in (path.parent / _LIST).read_text(encoding="utf-8").splitlines():
        yield tree.read(line, 1 << 30)


_READERS: dict[tuple[str, str], Callable[[str, Path], Iterator[bytes]]] = {
    ("ours", "big"): _our_big,
    ("ours", "small"): _our_small,
    ("ours", "listed"): _our_listed,
    ("peer", "big"): _peer_big,
    ("peer", "small"): _peer_small,
}


def measure_here(who: str, what: str, kind: str, path: Path) -> dict[str, float]:
    """Read in this process, imports and opening included from the second on: what was read, and what it took."""
    read = _READERS[who, what]
    next(read(kind, path))  # imports and first touches are not what is measured
    seconds, size, total = 0.0, 0, 0
    pieces, ended = read(kind, path), False
    while not ended:
        started = time.perf_counter()
        piece = next(pieces, None)
        seconds += time.perf_counter() - started
        if piece is None:
            ended = True
        else:
            size, total = size + len(piece), (total + zlib.crc32(piece)) & 0xFFFFFFFF
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "size": size, "sum": total, "peak": peak}


def _measured(python: str, who: str, what: str, kind: str, path: Path) -> dict[str, float]:
    found: dict[str, float] = _in_a_process(python, "--measure", who, what, kind, str(path))
    return found


def _in_a_process(python: str, *arguments: str) -> Any:
    """What this script prints with these arguments: a process begins with the largest set of the one it comes from,
    which therefore has to stay small."""
    command = [python, str(Path(__file__).resolve()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(arguments)}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def compare_disks(folder: Path, peer: str, runs: int, kinds: Sequence[str]) -> list[Comparison]:
    """The large file and the small ones through each container; BenchError where both do not read the same."""
    lines: list[Comparison] = []
    for what in ("big", "small"):
        for kind in (*kinds, _RAW_IN_C)[: None if what == "small" else -1]:
            tell(f"{what}, {kind}")
            own_disk = folder / f"disk.{kind.partition(',')[0]}"
            peer_disk = own_disk if what == "big" else folder / "disk.raw"
            ours: list[dict[str, float]] = []
            theirs: list[dict[str, float]] = []
            for _ in range(runs):
                ours.append(_measured(sys.executable, "ours", what, kind, own_disk))
                theirs.append(_measured(peer, "peer", what, kind, peer_disk))
            if len({(one["size"], one["sum"]) for one in (*ours, *theirs)}) != 1:
                raise BenchError(f"{what}, {kind}: we and the peer did not read the same")
            lines.append(
                Comparison(
                    what=what,
                    kind=kind,
                    ours=min(one["seconds"] for one in ours),
                    peer=min(one["seconds"] for one in theirs),
                    size=int(ours[0]["size"]),
                    rss_mib=max(one["peak"] for one in ours),
                )
            )
    return lines


def files_read_by_scan(image: Path) -> tuple[list[str], int]:
    """The paths of the files that a scan of an image opens, and how many installations it finds."""
    from buildlab.operations.scan import scan
    from buildlab.sources.tree import Entry, Tree

    opened: dict[str, None] = {}
    open_entry = Tree.open_entry

    def noted(tree: Tree, entry: Entry, path: str) -> Any:
        opened[path.replace("\\", "/")] = None
        return open_entry(tree, entry, path)

    Tree.open_entry = noted  # type: ignore[method-assign, assignment]
    try:
        found = len(scan(image).installations)
    finally:
        Tree.open_entry = open_entry  # type: ignore[method-assign]
    return list(opened), found


def compare_wims(folder: Path, runs: int) -> list[Comparison]:
    """The scan of each image against the extraction of the files that it reads."""
    lines: list[Comparison] = []
    for name in _WIM_FORMS:
        tell(name)
        image, listed = folder / name, folder / _LIST
        paths, installations = _in_a_process(sys.executable, "--list", str(image))
        if installations != 1 or len(paths) < 10:
            raise BenchError(f"{name}: {installations} installations, {len(paths)} files")
        listed.write_text("\n".join(f"/{path.lstrip('/')}" for path in paths) + "\n", encoding="utf-8")
        ours: list[tuple[float, float]] = []
        reads: list[dict[str, float]] = []
        peer: list[float] = []
        os.environ["WIMLIB_IMAGEX_IGNORE_CASE"] = "1"
        for _ in range(runs):
            ours.append(run_once([*own_command(), "scan", str(image), "-o", f"json={folder / 'scan.json'}"]))
            reads.append(_measured(sys.executable, "ours", "listed", name, image))
            with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as out:
                extract = ["extract", str(image), "1", f"@{listed}", f"--dest-dir={out}"]
                peer.append(run_once([_tool("wimlib-imagex", "wimtools"), *extract])[0])
        size, best = int(reads[0]["size"]), min(peer)
        figures = {
            "scan": (min(seconds for seconds, _ in ours), max(peak for _, peak in ours)),
            "read": (min(one["seconds"] for one in reads), max(one["peak"] for one in reads)),
        }
        for what, (seconds, peak) in figures.items():
            lines.append(Comparison(what=what, kind=name, ours=seconds, peer=best, size=size, rss_mib=peak))
    return lines


def table(lines: Sequence[Comparison]) -> str:
    """The figures as a Markdown table."""
    rows = ["| what | container | ours | peer | ratio | due | peak MiB |", "|---|---|---:|---:|---:|---:|---:|"]
    for one in lines:
        if one.what == "big":
            mine, other = (f"{one.size / seconds / 1e6:.0f} MB/s" for seconds in (one.ours, one.peer))
            ratio, due = 1 / one.times, f"≥ {SPEED_DUE}"
        else:
            mine, other = f"{one.ours:.2f} s", f"{one.peer:.2f} s"
            ratio = one.times
            due = "" if one.kind == _RAW_IN_C else f"≤ {SMALL_DUE if one.what == 'small' else WIM_DUE}"
        mark = "" if is_as_due(one) else " **missed**"
        rows.append(f"| {one.what} | {one.kind} | {mine} | {other} | {ratio:.2f}{mark} | {due} | {one.rss_mib:.0f} |")
    return "\n".join(rows)


def is_as_due(one: Comparison) -> bool:
    """Whether a line is as fast and as small as is aimed at."""
    most = {"big": 1 / SPEED_DUE, "small": SMALL_DUE, "scan": WIM_DUE, "read": WIM_DUE}[one.what]
    return (one.times <= most or one.kind == _RAW_IN_C) and one.rss_mib < RSS_DUE


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit codes as in the text above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    default = Path(tempfile.gettempdir()) / "buildlab-bench"
    parser.add_argument("--work", type=Path, default=default, help=f"where images and peers are kept ({default})")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, the best counts (3)")
    parser.add_argument("--only", choices=("disks", "wim"), help="leave the other part out")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="disk containers (all)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--list", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.list is not None:
        print(json.dumps(files_read_by_scan(options.list)))
        return 0
    if options.make is not None:
        make_wim(options.make)
        print(json.dumps(None))
        return 0
    if options.measure is not None:
        who, what, kind, path = options.measure
        print(json.dumps(measure_here(who, what, kind, Path(path))))
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    lines: list[Comparison] = []
    try:
        if options.only != "wim":
            peer = ready_peers(options.work)
            lines += compare_disks(ready_disks(options.work), peer, options.runs, options.kinds)
        if options.only != "disks":
            lines += compare_wims(ready_wims(options.work), options.runs)
    except BenchError as error:
        print(f"bench_containers: {error}", file=sys.stderr)
        return 2
    host = f"{os.cpu_count()} processors, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    print(f"{host}\n\n{table(lines)}")
    if options.json is not None:
        figures = {"host": host, "lines": [{**asdict(one), "times": one.times} for one in lines]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all(is_as_due(one) for one in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
