"""Measure how fast packages are read, next to other programs over the same files in the same run.

    .venv/bin/python scripts/bench_packages.py CABINET [--megabytes N] [--runs N] [--json FILE]

`cabinet`: the LZX folder of CABINET (a real inner cabinet of an update) is repeated as many folders as give N MB of
content (84 by default), and the whole is read as `Cabinet.walk` gives it, next to `cabextract -t` (Debian: cabextract).
Speed is MB of content a second, the best of some runs; each of ours is a process of its own, start included, as each of
the other program's is. `share` is ours by the other's, `memory` the most that one of our processes held, in MB.

It runs on Linux alone, whose /proc tells the memory.

Exit codes: 0 measured, 1 a share under 0.4 or more than 200 MB of memory, 2 cabextract is missing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

DUE = 0.4
MOST_MEMORY = 200.0
READ = """
import sys
from buildlab.readers.cab import open_cabinet
from buildlab.sources.byte_sources import HostFile
from pathlib import Path
with HostFile(Path(sys.argv[1])) as file:
    size = sum(len(piece) for _, pieces in open_cabinet(file).walk() for piece in pieces)
status = Path("/proc/self/status").read_text()
print(size, int(status.partition("VmHWM:")[2].split()[0]) / 1024)  # ru_maxrss would count the parent's, before exec
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One table's line. Sizes in MB of content, speeds in MB a second."""

    case: str
    size: float
    ours: float
    other: float
    share: float
    memory: float


def repeated(data: bytes, size: int) -> bytes:
    """A cabinet whose first folder is that of `data`, as often as its files come to `size` bytes."""
    (files_at,) = struct.unpack_from("<I", data, 16)
    file_count, flags = struct.unpack_from("<HH", data, 28)
    at = 36
    block_reserve = 0
    if flags & 4:
        header_reserve, _, block_reserve = struct.unpack_from("<HBB", data, at)
        at += 4 + header_reserve
    blocks_at, count, method = struct.unpack_from("<IHH", data, at)
    end = blocks_at
    for _ in range(count):
        end += 8 + block_reserve + struct.unpack_from("<H", data, end + 4)[0]
    entries = []
    for _ in range(file_count):
        name_end = data.index(b"\0", files_at + 16)
        entries.append(
            (data[files_at : files_at + 8], data[files_at + 8 : files_at + 10], data[files_at + 10 : name_end + 1])
        )
        files_at = name_end + 1
    entries = [entry for entry in entries if entry[1] == b"\0\0"]
    once = sum(struct.unpack("<I", entry[0][:4])[0] for entry in entries)
    times = min(-(-size // once), 65535 // len(entries))
    files = b"".join(
        sizes + struct.pack("<H", number) + rest[:6] + b"%d\\" % number + rest[6:]
        for number in range(times)
        for sizes, _, rest in entries
    )
    files_at = 36 + 8 * times
    start = files_at + len(files)
    if block_reserve:
        raise SystemExit(f"the blocks of this cabinet have a reserve of {block_reserve} bytes")
    blocks = data[blocks_at:end]
    table = b"".join(struct.pack("<IHH", start + number * len(blocks), count, method) for number in range(times))
    total = start + times * len(blocks)
    counts = struct.pack("<HHHHH", times, times * len(entries), 0, 1, 0)
    header = struct.pack("<4sIIIIIBB", b"MSCF", 0, total, 0, files_at, 0, 3, 1) + counts
    return b"".join((header, table, files, blocks * times))


def measure(path: Path, size: int, runs: int, cabextract: str) -> Measurement:
    """The line of the table for the cabinet at `path`, with `size` bytes of content."""
    ours, other, memory = [], [], 0.0
    for _ in range(runs):
        begin = time.perf_counter()
        said = subprocess.run(
            [sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True
        ).stdout
        ours.append(time.perf_counter() - begin)
        found, held = said.split()
        if int(found) != size:
            raise SystemExit(f"{found} bytes read where {size} are")
        memory = max(memory, float(held))
        begin = time.perf_counter()
        subprocess.run([cabextract, "-q", "-t", str(path)], check=True, capture_output=True)
        other.append(time.perf_counter() - begin)
    mega = size / 1e6
    speeds = mega / min(ours), mega / min(other)
    share = speeds[0] / speeds[1]
    return Measurement(case="cabinet", size=mega, ours=speeds[0], other=speeds[1], share=share, memory=memory)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cabinet", type=Path)
    parser.add_argument("--megabytes", type=int, default=84)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    cabextract = shutil.which("cabextract")
    if cabextract is None:
        print("cabextract is missing (Debian: cabextract)", file=sys.stderr)
        return 2
    from buildlab.readers.byte_source import MemoryBytes
    from buildlab.readers.cab import open_cabinet

    data = repeated(options.cabinet.read_bytes(), options.megabytes * 1_000_000)
    size = sum(member.size for member in open_cabinet(MemoryBytes(data)).members)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repeated.cab"
        path.write_bytes(data)
        lines = [measure(path, size, options.runs, cabextract)]
    print(f"{'case':10} {'MB':>7} {'ours':>7} {'other':>7} {'share':>6} {'memory':>7}")
    for line in lines:
        print(
            f"{line.case:10} {line.size:7.1f} {line.ours:7.1f} {line.other:7.1f} {line.share:6.2f} {line.memory:7.1f}"
        )
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=2), "utf-8")
    return 0 if all(line.share >= DUE and line.memory < MOST_MEMORY for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
