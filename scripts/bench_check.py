"""Measure how fast a bundle is judged against an image, both of them in memory.

    .venv/bin/python scripts/bench_check.py [--packages N] [--runs N]

The bundle is made of the updates of the bundled data and of further ones that need each other, N in all (200 by
default); the image is Windows Server 2008 SP2 with 400 packages. The time is the best of some runs, in seconds, the
rules and the plan together; reading images and packages is no part of it.

Exit codes: 0 measured, 1 a second or more for 200 packages.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from buildlab.knowledge.updates import known_updates  # noqa: E402
from buildlab.results.package_set import UpdatePackage  # noqa: E402
from tests.checks.makers import check, identity_text, image, package, parent  # noqa: E402

DUE = 1.0


def bundle(count: int) -> list[UpdatePackage]:
    """Updates of the table, half of the bundle at most, and others with one parent each among those before them."""
    draw = random.Random(6)
    table = sorted(known_updates().values(), key=lambda one: one.kb)[: count // 2]
    packages = [
        package(
            known.kb,
            classification=known.classification,
            kernel=None if known.version is None else str(known.version),
            brings="6.0.6003.20489" if known.classification == "servicing-stack" else None,
        )
        for known in table
    ]
    for number in range(count - len(packages)):
        above = () if number == 0 else (parent(f"Package_for_KB{2_000_000 + draw.randrange(number)}", "6.0.1.0"),)
        packages.append(package(f"KB{2_000_000 + number}", parents=above, created="2018-01-01T00:00:00Z"))
    draw.shuffle(packages)
    return packages


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    packages = bundle(arguments.packages)
    held = {identity_text(f"Package_for_KB{1_000_000 + number}", "6.0.1.0"): "installed" for number in range(400)}
    found = image("6.0.6002.18005", packages=held)  # type: ignore[arg-type]
    best = float("inf")
    for _ in range(arguments.runs):
        start = time.perf_counter()
        evaluation = check(found, *packages)
        best = min(best, time.perf_counter() - start)
    steps = sum(step.action == "install" for step in evaluation.plan)
    print(f"{len(packages)} packages, {steps} installed, {len(evaluation.findings)} findings: {best:.3f} s")
    return 0 if best < DUE * max(1.0, len(packages) / 200) else 1


if __name__ == "__main__":
    sys.exit(main())
