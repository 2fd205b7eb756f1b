"""Feed damaged inputs to every reader and container, and keep those that do something else than refuse them.

    .venv/bin/python scripts/fuzz.py --list
    .venv/bin/python scripts/fuzz.py [NAME...] [--seconds N] [--seed N] [--jobs N] [--inputs N] [--out DIR]
    .venv/bin/python scripts/fuzz.py --replay FOLDER

`scripts/fuzz_targets.py` and `scripts/fuzz_package_targets.py` have the tables of targets, `scripts/fuzz_mutations.py`
what is done to their seeds. Each target runs in a process of its own. A finding is an input that

- raises anything but a `BuildlabError`,
- takes more than 5 seconds of processor time, or 60 seconds of the clock,
- needs more than 512 MiB of address space on top of what the process had, or
- kills the process.

It is kept under build/fuzz/NAME/, its files in a folder and the traceback beside it; of those with the same innermost
frames only the first two are. Inputs depend on the name, the seed and their number alone (and on the tools that made
the seeds). Linux only.

Exit codes: 0 nothing found, 1 findings, 2 a target could not be made ready.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import hashlib
import mmap
import os
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from buildlab.operations.scan import scan
from fuzz_mutations import Case, mend, mutate
from fuzz_package_targets import PACKAGE_TARGETS
from fuzz_seeds import MissingToolError
from fuzz_targets import ROOT, TARGETS, FuzzTarget

ALL_TARGETS = (*TARGETS, *PACKAGE_TARGETS)
CPU_SECONDS = 5.0
CLOCK_SECONDS = 60.0
MEMORY = 512 << 20
_BATCH = 2000
"""Inputs after which a worker is replaced, so that what it leaks or caches does not count."""
_KEPT_ALIKE = 2
_FRAMES = 3
_MENDED_SHARE = 0.8
_FRAME = re.compile(r'^  File "([^"]+)", line \d+ in (.+)$', re.MULTILINE)
_PROGRESS = struct.Struct("<QQQQd")


@dataclass(slots=True)
class Progress:
    """What a worker and its supervisor share: the input at hand, how many are done, were read from, were findings."""

    memory: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, _PROGRESS.size))

    def get(self) -> tuple[int, int, int, int, float]:
        """Number of the input at hand, done, read from, found, and when the one at hand was begun."""
        return _PROGRESS.unpack_from(self.memory)

    def set(self, number: int, done: int, read: int, found: int) -> None:
        """As `get`; the time is taken here."""
        # One copy of whole words: pack_into would first write zeros, which the other process may see.
        self.memory[: _PROGRESS.size] = _PROGRESS.pack(number, done, read, found, time.monotonic())


@dataclass(slots=True, kw_only=True)
class Campaign:
    """One target, made ready."""

    target: FuzzTarget
    seeds: list[Case]
    seed: int
    out: Path
    seconds: float
    inputs: int
    progress: Progress = field(default_factory=Progress)
    begun: float = 0.0
    process: int = 0
    deaths: int = 0

    def case(self, number: int) -> Case:
        """The input of this number. The first ones are the seeds as they are."""
        if number < len(self.seeds):
            return self.seeds[number]
        numbers = random.Random(f"{self.target.name}/{self.seed}/{number}")
        seed = numbers.choice(self.seeds)
        case = mutate(seed, self.seeds, numbers, is_text=self.target.is_text)
        if self.target.repair is not None and numbers.random() < _MENDED_SHARE:
            case = mend(case, seed, self.target.repair)
        return case

    @property
    def trace(self) -> Path:
        """Where a dying worker leaves its last words."""
        return self.out / self.target.name / ".trace"

    def keep(self, number: int, kind: str, signature: str, report: str) -> bool:
        """Save a finding unless enough like it are there; whether it was saved."""
        folder = self.out / self.target.name
        stem = f"{kind}-{hashlib.sha256(signature.encode()).hexdigest()[:8]}"
        alike = [path for path in folder.glob(f"{stem}-*") if path.is_dir()]
        if len(alike) >= _KEPT_ALIKE:
            return False
        place = folder / f"{stem}-{self.seed}-{number}"
        write_case(self.case(number), place)
        files = "".join(f"file:  {name}\n" for name in self.case(number))
        head = f"{self.target.name}, seed {self.seed}, input {number}: {kind}\n{signature}\n{files}\n"
        place.with_name(f"{place.name}.txt").write_text(head + report, encoding="utf-8", errors="backslashreplace")
        return True


def write_case(case: Case, folder: Path) -> None:
    """Lay the files of an input into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in case.items():
        (folder / name).write_bytes(data)


def prepare(target: FuzzTarget, *, seed: int, out: Path, seconds: float, inputs: int) -> Campaign:
    """Make the seeds of a target; MissingToolError where a tool for that is missing."""
    with tempfile.TemporaryDirectory() as work:
        seeds = target.seeds(Path(work))
    (out / target.name).mkdir(parents=True, exist_ok=True)
    return Campaign(target=target, seeds=seeds, seed=seed, out=out, seconds=seconds, inputs=inputs)


def start_worker(campaign: Campaign, number: int) -> None:
    """Fork a worker that goes on with input `number`."""
    sys.stdout.flush()
    sys.stderr.flush()
    campaign.progress.set(number, *campaign.progress.get()[1:4])
    campaign.process = os.fork()
    if campaign.process:
        return
    code = 3
    try:
        code = _work(campaign, number)
    except BaseException:  # noqa: BLE001 - the fork must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(campaign: Campaign, first: int) -> int:
    """Run inputs until the time, the inputs or the batch are over; 0 at the end of all, 10 at that of a batch."""
    gc.freeze()
    supervisor = os.getppid()
    with campaign.trace.open("w") as trace, tempfile.TemporaryDirectory(dir=_fast_folder()) as work:
        faulthandler.enable(trace)
        faulthandler.register(signal.SIGPROF, trace, all_threads=False, chain=True)
        _, done, read, found, _ = campaign.progress.get()
        for number in range(first, first + _BATCH):
            campaign.progress.set(number, done, read, found)
            is_over = time.monotonic() - campaign.begun > campaign.seconds or number >= campaign.inputs
            if is_over or os.getppid() != supervisor:
                return 0
            got, finding = run_one(campaign.target, campaign.case(number), Path(work))
            if finding is not None:
                campaign.keep(number, *finding)
                found += 1
            read += got > 0
            done += 1
        campaign.progress.set(first + _BATCH, done, read, found)
    return 10


def _fast_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def run_one(target: FuzzTarget, case: Case, work: Path) -> tuple[int, tuple[str, str, str] | None]:
    """Give one input to its target, bounded: how much was read, and (kind, signature, traceback) of a finding."""
    if target.on_disk:
        for old in work.iterdir():
            old.unlink()
        write_case(case, work)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return target.exercise(case, work), None
    except Exception as error:  # noqa: BLE001 - whatever escapes is what is looked for
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        kind = "memory" if isinstance(error, MemoryError) else "uncaught"
        return 0, (kind, _signature(error), "".join(traceback.format_exception(error)))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * mmap.PAGESIZE


def _signature(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " < ".join([type(error).__name__, *(f"{Path(one.filename).name}:{one.name}" for one in reversed(frames))])


def supervise(campaign: Campaign) -> bool:
    """Look after the worker of a campaign; False when the campaign is over."""
    process, status = os.waitpid(campaign.process, os.WNOHANG)
    number, *_, since = campaign.progress.get()
    if not process:
        if time.monotonic() - since < CLOCK_SECONDS:
            return True
        os.kill(campaign.process, signal.SIGKILL)
        _, status = os.waitpid(campaign.process, 0)
        return _after_death(campaign, number, "slow", f"{CLOCK_SECONDS} seconds of the clock")
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return False
    if code == 10:
        start_worker(campaign, number)
        return True
    if code == -signal.SIGPROF:
        return _after_death(campaign, number, "slow", f"{CPU_SECONDS} seconds of processor time")
    what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return _after_death(campaign, number, "died", what)


def _after_death(campaign: Campaign, number: int, kind: str, what: str) -> bool:
    """Keep the input that the worker died of, and go on behind it."""
    trace = campaign.trace.read_text(encoding="utf-8", errors="replace")
    frames = [f"{Path(file).name}:{function}" for file, function in _FRAME.findall(trace)][:_FRAMES]
    campaign.keep(number, kind, " < ".join([what, *frames]), trace)
    campaign.deaths += 1
    _, done, read, found, _ = campaign.progress.get()
    campaign.progress.set(number + 1, done + 1, read, found + 1)
    start_worker(campaign, number + 1)
    return True


def run_campaigns(targets: Sequence[FuzzTarget], options: argparse.Namespace) -> int:
    """Run all targets, so many at a time; the exit code."""
    scan(ROOT / "fixtures/server2008sp2-6003-ia64.raw")  # imports in the parent what every worker needs
    waiting, running = list(targets), list[Campaign]()
    totals, failed = Counter[str](), False
    print("| target | inputs | seconds | inputs/s | read from | findings |\n|---|---:|---:|---:|---:|---:|", flush=True)
    while waiting or running:
        while waiting and len(running) < options.jobs:
            target = waiting.pop(0)
            limits = {"seed": options.seed, "seconds": options.seconds, "inputs": options.inputs}
            try:
                campaign = prepare(target, out=options.out, **limits)
            except MissingToolError as error:
                print(f"| {target.name} | not run: {error} |", flush=True)
                failed = True
                continue
            campaign.begun = time.monotonic()
            start_worker(campaign, 0)
            running.append(campaign)
        for campaign in list(running):
            if not supervise(campaign):
                running.remove(campaign)
                _report(campaign, totals)
        time.sleep(0.02)
    print(f"{totals['inputs']} inputs, {totals['found']} findings", flush=True)
    return 2 if failed else int(totals["found"] > 0)


def _report(campaign: Campaign, totals: Counter[str]) -> None:
    _, done, read, found, _ = campaign.progress.get()
    seconds = time.monotonic() - campaign.begun
    campaign.trace.unlink(missing_ok=True)
    share = f"{100 * read / max(done, 1):.0f} %"
    rate = done / max(seconds, 1e-3)
    print(f"| {campaign.target.name} | {done} | {seconds:.1f} | {rate:.0f} | {share} | {found} |", flush=True)
    totals.update(inputs=done, found=found)


def replay(path: Path, targets: Sequence[FuzzTarget]) -> int:
    """Run one kept input (its folder, or a file in it) in this process, bounded; 1 when it still is a finding."""
    folder = path if path.is_dir() else path.parent
    target = next((target for target in targets if target.name == folder.parent.name), None)
    if target is None:
        print(f"fuzz: {folder} does not lie in a folder named after a target", file=sys.stderr)
        return 2
    report = folder.with_name(f"{folder.name}.txt")
    order = {name: place for place, name in enumerate(_names(report, folder))}
    files = sorted(folder.iterdir(), key=lambda file: order.get(file.name, 0))
    case = {file.name: file.read_bytes() for file in files}
    faulthandler.register(signal.SIGPROF, all_threads=False, chain=True)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as work:
        read, finding = run_one(target, case, Path(work))
    print(f"{target.name}: {read} read, {time.process_time() - started:.2f} s of processor time")
    if finding is None:
        return 0
    print(finding[2])
    return 1


def _names(report: Path, folder: Path) -> list[str]:
    """The files of a kept input, the target first."""
    names = sorted(file.name for file in folder.iterdir())
    marked = [line[7:] for line in report.read_text(encoding="utf-8").splitlines() if line.startswith("file:  ")]
    return marked or names


def main(arguments: Sequence[str] | None = None, targets: Sequence[FuzzTarget] = ALL_TARGETS) -> int:
    """The command; exit codes as in the text above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="targets to run (all)")
    parser.add_argument("--list", action="store_true", help="name the targets and end")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each target (30)")
    parser.add_argument("--inputs", type=int, default=1 << 62, help="most inputs for each target")
    parser.add_argument("--seed", type=int, default=1, help="which run of inputs (1)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time (1)")
    parser.add_argument("--out", type=Path, default=ROOT / "build/fuzz", help="where findings go (build/fuzz)")
    parser.add_argument("--replay", type=Path, help="run a kept input again")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(target.name for target in targets))
        return 0
    if options.replay is not None:
        return replay(options.replay.resolve(), targets)
    unknown = set(options.names) - {target.name for target in targets}
    if unknown:
        parser.error(f"no target is named {', '.join(sorted(unknown))}")
    return run_campaigns([target for target in targets if not options.names or target.name in options.names], options)


if __name__ == "__main__":
    sys.exit(main())
