"""The committed update packages: how each is made, and what reading it should say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.kit.cab import MSZIP
from tests.kit.update_packages import Model, make_msu, msu_tree, pack, pack_with_psf, package_tree
from tests.kit.update_samples import (
    cumulative,
    esu_preparation,
    monthly_rollup,
    nt60_stack,
    security_only,
    sha2_support,
    windows_10_stack,
)

FOLDER = "packages"
NT60_NAMES = ("Windows Vista SP2", "Windows Server 2008 SP2")


@dataclass(frozen=True, slots=True)
class PackageFixture:
    """One committed package; `expected` are fields of the answer."""

    file: str
    exercises: str
    make: Callable[[], bytes]
    expected: Mapping[str, str]


def _nt60(
    file: str, exercises: str, model: Callable[[], Model], expected: Mapping[str, str], *, indexed: bool = False
) -> PackageFixture:
    def make() -> bytes:
        stem = "W" + file.removesuffix(".msu").removeprefix("w").replace("-kb", "-KB")
        digest = model().digest
        return make_msu(model(), stem, signed=digest, indexed=indexed, applies_to=NT60_NAMES)

    return PackageFixture(file, exercises, make, {"windows": "6.0", **expected})


def _combined() -> bytes:
    """Servicing stack and cumulative update in one, the payload in a patch storage file."""
    stem = "Windows10.0-KB5033372-x64"
    inner, psf = pack_with_psf(package_tree(cumulative()), f"{stem}.psf")
    beside = {"SSU-19041.3745-x64.cab": pack(package_tree(windows_10_stack())), f"{stem}.psf": psf}
    return pack(msu_tree(cumulative(), stem, inner, beside=beside, windows="10.0"), method=MSZIP)


_ROLLUP = {"kb": "KB4493471", "classification": "monthly-rollup", "kernel": "6.0.6003.20489"}

PACKAGE_FIXTURES = [
    _nt60(
        "windows6.0-kb4493471-x64.msu",
        "Monthly rollup of April 2019, which brings 6003: both branches, `_bf` twins, files as they are",
        monthly_rollup,
        {**_ROLLUP, "architecture": "AMD64"},
    ),
    _nt60(
        "windows6.0-kb4493471-x86.msu",
        "The same for x86, as an Intra-Package Delta: files by an index",
        lambda: monthly_rollup("x86"),
        {**_ROLLUP, "architecture": "x86"},
        indexed=True,
    ),
    _nt60(
        "windows6.0-kb4493471-ia64.msu",
        "The same for Itanium",
        lambda: monthly_rollup("ia64"),
        {**_ROLLUP, "architecture": "IA-64"},
    ),
    _nt60(
        "windows6.0-kb4493458-x64.msu",
        "Security-only update of the same month",
        security_only,
        {"kb": "KB4493458", "classification": "security-only", "architecture": "AMD64", "kernel": "6.0.6003.20489"},
    ),
    _nt60(
        "windows6.0-kb4493730-x64.msu",
        "Servicing stack update, permanent",
        nt60_stack,
        {"kb": "KB4493730", "classification": "servicing-stack", "architecture": "AMD64"},
    ),
    _nt60(
        "windows6.0-kb4474419-x64.msu",
        "SHA-2 code signing support in its first version, signed with SHA-1",
        lambda: sha2_support(1),
        {"kb": "KB4474419", "classification": "sha2", "architecture": "AMD64"},
    ),
    _nt60(
        "windows6.0-kb4474419-v4-x64.msu",
        "The fourth version of it, signed with SHA-256",
        lambda: sha2_support(4),
        {"kb": "KB4474419", "classification": "sha2", "architecture": "AMD64"},
    ),
    _nt60(
        "windows6.0-kb4538484-x64.msu",
        "Preparation for Extended Security Updates",
        esu_preparation,
        {"kb": "KB4538484", "classification": "esu-preparation", "architecture": "AMD64"},
    ),
    PackageFixture(
        "windows10.0-kb5033372-x64.msu",
        "Servicing stack and cumulative update in one; payload in a patch storage file",
        _combined,
        {
            "kb": "KB5033372",
            "classification": "cumulative",
            "architecture": "AMD64",
            "kernel": "10.0.19041.3803",
            "windows": "10.0",
        },
    ),
]


def package_entries(folder: Path) -> str:
    """The part of `fixtures/manifest.toml` about the packages in `folder`."""
    lines: list[str] = []
    for fixture in PACKAGE_FIXTURES:
        path = folder / FOLDER / fixture.file
        if not path.exists():
            continue
        data = path.read_bytes()
        lines += [
            "[[package]]",
            f'file = "{FOLDER}/{fixture.file}"',
            f'sha256 = "{hashlib.sha256(data).hexdigest()}"',
            f"size = {len(data)}",
            f'exercises = "{fixture.exercises}"',
            "synthetic = true",
            'made_by = ["tests/kit: manifests, catalogues, executables, cabinets, signatures"]',
            f'command = "python scripts/make_fixtures.py {fixture.file}"',
            "[package.expect]",
            *(f'{name} = "{value}"' for name, value in fixture.expected.items()),
            "",
        ]
    return "\n".join(lines)
