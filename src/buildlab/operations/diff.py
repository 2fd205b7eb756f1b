"""Compare two images, of which either may be a saved scan, or two sets of packages."""

from pathlib import Path
from typing import Final

from buildlab.inference.comparison import (
    compare_files,
    compare_identities,
    compare_package_sets,
    compare_packages,
    compare_updates,
)
from buildlab.knowledge.table import knowledge_date
from buildlab.operations.check import primary_installation
from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.operations.progress import Progress
from buildlab.operations.saved import scan_or_saved
from buildlab.operations.scan import ScanOptions
from buildlab.results.diff import Diff, DiffSide
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Exit, Installation, Scan, Tool
from buildlab.sources.package_files import holds_packages
from buildlab.version import __version__

SCHEMA: Final = "buildlab.diff/1"


def diff(
    a: str | Path,
    b: str | Path,
    *,
    scan: ScanOptions | None = None,
    packages: PackagesOptions,
    progress: Progress | None = None,
) -> Diff:
    """What differs. Two sets of packages are compared where both sides hold packages, their installations otherwise.

    Nothing about either side raises: what could not be read is in the result.
    """
    if holds_packages(Path(a)) and holds_packages(Path(b)):
        return _diff_of_sets(inspect_packages([a], packages, progress), inspect_packages([b], packages, progress), a, b)
    return _diff_of_images(scan_or_saved(a, scan, progress), scan_or_saved(b, scan, progress))


def _diff_of_sets(one: PackageSet, other: PackageSet, a: str | Path, b: str | Path) -> Diff:
    code = max(one.exit.code, other.exit.code)
    return Diff(
        schema=SCHEMA,
        tool=_tool(),
        a=DiffSide(path=str(a), location=None, summary=f"{len(one.packages)} packages"),
        b=DiffSide(path=str(b), location=None, summary=f"{len(other.packages)} packages"),
        identity=(),
        updates=(),
        packages=compare_package_sets(one.packages, other.packages),
        files=(),
        errors=(*one.errors, *other.errors),
        exit=Exit(code=4, reason="partial") if code > 1 else Exit(code=0, reason="done"),
    )


def _diff_of_images(one: Scan, other: Scan) -> Diff:
    left, right = primary_installation(one), primary_installation(other)
    both = left is not None and right is not None
    return Diff(
        schema=SCHEMA,
        tool=_tool(),
        a=_side(one, left),
        b=_side(other, right),
        identity=compare_identities(left, right) if left is not None and right is not None else (),
        updates=compare_updates(left, right) if left is not None and right is not None else (),
        packages=compare_packages(left, right) if left is not None and right is not None else (),
        files=compare_files(left, right) if left is not None and right is not None else (),
        errors=(*one.errors, *other.errors),
        exit=_exit(one, other, both),
    )


def _exit(one: Scan, other: Scan, both: bool) -> Exit:
    if not both:
        return Exit(code=3, reason="no-installation")
    partial = 4 in (one.exit.code, other.exit.code)
    return Exit(code=4, reason="partial") if partial else Exit(code=0, reason="done")


def _side(scan: Scan, installation: Installation | None) -> DiffSide:
    if installation is None:
        return DiffSide(path=scan.target.path, location=None, summary="no Windows")
    identity = installation.identity
    words = (identity.version_full, identity.architecture, identity.product, identity.service_pack)
    summary = " ".join(word for word in words if word)
    return DiffSide(path=scan.target.path, location=installation.location, summary=summary or "not identified")


def _tool() -> Tool:
    return Tool(name="buildlab", version=__version__, knowledge=knowledge_date())
