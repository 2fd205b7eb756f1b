"""Where things are in the project, and what scans of the fixtures give (each scanned once a run)."""

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from buildlab.operations.scan import ScanOptions, scan
from buildlab.results.scan import Scan

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
SOURCE = ROOT / "src" / "buildlab"
GOLDEN = Path(__file__).resolve().parent / "golden"
AS_OF = date(2026, 11, 21)
"""The day for which fixtures are assessed."""


@cache
def manifest() -> tuple[dict[str, Any], ...]:
    """The entries of the manifest of fixtures."""
    return tuple(tomllib.loads((FIXTURES / "manifest.toml").read_text("utf-8"))["fixture"])


def fixture_names() -> list[str]:
    """The file names of all fixtures."""
    return [entry["file"] for entry in manifest()]


@cache
def scan_of(name: str) -> Scan:
    """The scan of one fixture; its path is written without the folder, so that it is the same everywhere."""
    return scan(FIXTURES / name, ScanOptions(as_of=AS_OF))
