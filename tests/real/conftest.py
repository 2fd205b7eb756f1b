"""Real data, no part of the project: found by $BUILDLAB_REAL_DATA, or in ../shared/real beside the project."""

import lzma
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.places import ROOT

RealFile = Callable[[str], bytes]


@cache
def _content(path: Path) -> bytes:
    if path.exists():
        return path.read_bytes()
    return lzma.decompress(path.with_name(f"{path.name}.xz").read_bytes())


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder of the real data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("BUILDLAB_REAL_DATA") or ROOT.parent / "shared" / "real")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set BUILDLAB_REAL_DATA to its folder)")
    return folder


@pytest.fixture(scope="session")
def real_file(real_folder: Path) -> RealFile:
    """The bytes of one file of the real data, unpacked."""

    def read(name: str) -> bytes:
        return _content(real_folder / name)

    return read
