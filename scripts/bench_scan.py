"""Measure the time and the memory that `buildlab scan` takes on a disk of ordinary size.

    .venv/bin/python scripts/bench_scan.py [--work DIR] [--runs N] [--json FILE] [--no-peer]

The image (made by `scripts/bench_image.py` when DIR does not hold it yet) is a 5 GiB dynamic VHD with a Windows
Server 2008 of 60,000 files, 6,000 packages and 3,000 package manifests. Measured, each in fresh processes:

- `buildlab scan IMAGE -o json=FILE`, and whether its answer is right;
- `target-query -f version,architecture IMAGE` of dissect.target, which tells those two values alone. It is installed
  into a virtual environment of its own in DIR, for measuring only;
- `buildlab --version`: what starting costs.

"Cold" means that the page cache of the host was dropped before each run (that takes root on Linux): programs and
libraries are read from the disk again as well. "Image cold" means that only the image was put out of the cache,
"warm" that nothing was. Time is wall time, memory the largest resident set of the process (getrusage).

Exit codes: 0 measured, 1 the answer was wrong, 2 the image could not be made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEER = "dissect.target"
PEER_FUNCTIONS = "version,architecture"
EXPECTED = {"version_full": "6.0.6003.20489", "architecture": "AMD64", "packages": 6000}
SCAN_SECONDS, SCAN_MIB, START_SECONDS = 1.5, 350.0, 0.15
"""What is aimed at, on two processors."""

_DROP_CACHES = Path("/proc/sys/vm/drop_caches")
_KIT = ("tests/kit/*.py", "scripts/make_fixtures.py", "scripts/bench_image.py")


class BenchError(Exception):
    """What is to be measured could not be made ready, or failed; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Some runs of one command under one state of the cache. Seconds, and MiB of the largest resident set."""

    name: str
    cache: str
    seconds: tuple[float, ...]
    rss_mib: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median wall time in seconds."""
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        """Least wall time in seconds."""
        return min(self.seconds)

    @property
    def peak(self) -> float:
        """Largest resident set of all runs, in MiB."""
        return max(self.rss_mib)


def run_once(command: Sequence[str], output: Path | None = None) -> tuple[float, float]:
    """Run a command to its end: (seconds, MiB of its largest resident set). Its stdout goes to `output`.

    The measuring process must be small itself: the child's figure begins with the size of the process that starts it.
    """
    with (output or Path(os.devnull)).open("wb") as out, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=errors, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            reason = errors.read().decode(errors="replace").strip()
            raise BenchError(f"{' '.join(command)}: exit code {child.returncode}\n{reason}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return seconds, usage.ru_maxrss / unit


def measure(
    name: str, cache: str, runs: int, prepare: Callable[[], None], command: Sequence[str], output: Path | None = None
) -> Measurement:
    """Run `command` `runs` times, `prepare` before each."""
    figures: list[tuple[float, float]] = []
    for _ in range(runs):
        prepare()
        figures.append(run_once(command, output))
    return Measurement(
        name=name, cache=cache, seconds=tuple(one for one, _ in figures), rss_mib=tuple(two for _, two in figures)
    )


def drop_caches() -> None:
    """Drop the whole page cache, directory entries and inodes."""
    os.sync()
    _DROP_CACHES.write_text("3", encoding="ascii")


def can_drop_caches() -> bool:
    """Whether this host lets us drop its page cache."""
    try:
        drop_caches()
    except OSError:
        return False
    return True


def forget(path: Path) -> None:
    """Put one file out of the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def ready_image(work: Path) -> Path:
    """The image in `work`, made again when what makes it has changed."""
    digest = hashlib.sha256()
    for pattern in _KIT:
        for source in sorted(ROOT.glob(pattern)):
            digest.update(source.read_bytes())
    image = work / f"bench-{digest.hexdigest()[:12]}.vhd"
    if image.exists():
        return image
    for old in work.glob("bench-*.vhd"):
        old.unlink()
    tell(f"making {image} (a minute or two)")
    # In a process of its own, so that this one stays small.
    done = subprocess.run([sys.executable, str(ROOT / "scripts/bench_image.py"), str(image)], check=False)
    if done.returncode:
        raise BenchError("the image could not be made")
    return image


def ready_peer(work: Path) -> Path:
    """`target-query` in a virtual environment of its own; BenchError when there can be none."""
    folder = work / "peer"
    program = folder / "bin/target-query"
    if program.exists():
        return program
    tell(f"installing {PEER} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", PEER],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not (folder / "bin/python").exists():
            raise BenchError(f"{PEER} could not be installed: {(done.stderr or done.stdout).strip()[-300:]}")
    return program


def peer_version(program: Path) -> str:
    """The version of the peer that `program` belongs to."""
    question = f"import importlib.metadata as m; print(m.version({PEER!r}))"
    done = subprocess.run(
        [str(program.with_name("python")), "-c", question], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "of unknown version"


def own_command() -> list[str]:
    """The `buildlab` that belongs to this interpreter."""
    program = Path(sys.executable).with_name("buildlab")
    return [str(program)] if program.exists() else [sys.executable, "-m", "buildlab"]


def wrong_answers(report: Path) -> list[str]:
    """What is not as it should be in the JSON of the scan; nothing when all is."""
    scan: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    if len(scan["installations"]) != 1:
        return [f"{len(scan['installations'])} installations"]
    found = scan["installations"][0]
    seen = {**found["identity"], "packages": len(found["packages"])}
    wrong = [f"{name} is {seen[name]!r} and not {value!r}" for name, value in EXPECTED.items() if seen[name] != value]
    if scan["exit"]["code"]:
        wrong.append(f"exit code {scan['exit']['code']}, {scan['exit']['reason']}")
    return wrong


def table(measurements: Sequence[Measurement]) -> str:
    """The figures as a Markdown table."""
    lines = ["| command | cache | median s | min s | peak MiB |", "|---|---|---:|---:|---:|"]
    for one in measurements:
        lines.append(f"| {one.name} | {one.cache} | {one.median:.2f} | {one.least:.2f} | {one.peak:.0f} |")
    return "\n".join(lines)


def tell(text: str) -> None:
    """A line for the person at the terminal; stdout holds the figures only."""
    print(text, file=sys.stderr, flush=True)


def collect(work: Path, runs: int, with_peer: bool) -> tuple[list[Measurement], list[str], str]:
    """All measurements, what was wrong with the answer, and what the peer answered or why it did not."""
    image = ready_image(work)
    report, answer = work / "scan.json", work / "peer.txt"
    caches: list[tuple[str, Callable[[], None]]] = [("image cold", lambda: forget(image)), ("warm", lambda: None)]
    if can_drop_caches():
        caches.insert(0, ("cold", drop_caches))
    else:
        tell("the page cache cannot be dropped here (that takes root on Linux); no figures for a cold host")
    commands: list[tuple[str, list[str], Path | None]] = [
        ("buildlab scan", [*own_command(), "scan", str(image), "-o", f"json={report}"], None)
    ]
    said = "not measured, as asked"
    if with_peer:
        try:
            program = ready_peer(work)
            query = [str(program), "-q", "-f", PEER_FUNCTIONS, str(image)]
            run_once(query, answer)
            commands.append(("target-query", query, answer))
            words = " ".join(answer.read_text(encoding="utf-8", errors="replace").split())
            said = f"{words} ({PEER} {peer_version(program)})"
        except BenchError as error:
            said = f"not measured: {error}"
    measurements: list[Measurement] = []
    for cache, prepare in caches:
        for name, command, output in commands:
            tell(f"{name}, {cache}")
            measurements.append(measure(name, cache, runs, prepare, command, output))
    start = [*own_command(), "--version"]
    measurements.append(measure("buildlab --version", "warm", 3 * runs, lambda: None, start))
    return measurements, wrong_answers(report), said


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit codes as in the text above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    default = Path(tempfile.gettempdir()) / "buildlab-bench"
    parser.add_argument("--work", type=Path, default=default, help=f"where image and peer are kept ({default})")
    parser.add_argument("--runs", type=int, default=5, help="runs of each scan (5)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--no-peer", action="store_true", help=f"leave {PEER} out")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        measurements, wrong, said = collect(options.work, max(options.runs, 1), not options.no_peer)
    except BenchError as error:
        print(f"bench_scan: {error}", file=sys.stderr)
        return 2
    by_name = {(one.name, one.cache): one for one in measurements}
    host = f"{os.cpu_count()} processors, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    print(f"{host}\n\n{table(measurements)}\n")
    ratios: dict[str, dict[str, float]] = {}
    for (name, cache), other in by_name.items():
        if name == "target-query":
            own = by_name["buildlab scan", cache]
            ratio = {"time": own.median / other.median, "memory": own.peak / other.peak}
            ratios[cache] = ratio
            print(f"buildlab / target-query, {cache}: time {ratio['time']:.2f}, memory {ratio['memory']:.2f}")
    print(f"target-query says: {said}")
    print(f"buildlab's answer: {'; '.join(wrong) or 'right'}")
    first = measurements[0]
    start = by_name["buildlab --version", "warm"]
    print(
        f"aim: scan {first.median:.2f} of {SCAN_SECONDS} s ({first.cache}), {first.peak:.0f} of {SCAN_MIB:.0f} MiB; "
        f"start {start.median:.3f} of {START_SECONDS} s"
    )
    if options.json is not None:
        figures = {
            "host": host,
            "measurements": [
                {**asdict(one), "median": one.median, "min": one.least, "peak_mib": one.peak} for one in measurements
            ],
            "ratios": ratios,
            "peer_answer": said,
            "wrong_answers": wrong,
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
