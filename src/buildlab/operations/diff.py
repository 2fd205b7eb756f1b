"""Compare two images, of which either may be a saved scan, or two sets of packages."""

from datetime import UTC, datetime
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
from buildlab.operations.scan import ScanOptions, has_partial_inventory
from buildlab.results.diff import Diff, DiffSide
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Exit, Installation, Scan, Tool
from buildlab.sources.byte_sources import printable_name
from buildlab.sources.package_files import holds_packages
from buildlab.version import __version__

SCHEMA: Final = "buildlab.diff/1"


def diff(
    a: str | Path,
    b: str | Path,
    *,
    scan: ScanOptions | None = None,
    packages: PackagesOptions | None = None,
    progress: Progress | None = None,
) -> Diff:
    """What differs. Two sets of packages are compared where both sides hold packages, their installations otherwise.

    Nothing about either side raises: what could not be read is in the result.
    """
    if holds_packages(Path(a)) and holds_packages(Path(b)):
        options = packages or PackagesOptions(as_of=datetime.now(UTC))
        return _diff_of_sets(inspect_packages([a], options, progress), inspect_packages([b], options, progress), a, b)
    return _diff_of_images(scan_or_saved(a, scan, progress), scan_or_saved(b, scan, progress))


def _diff_of_sets(one: PackageSet, other: PackageSet, a: str | Path, b: str | Path) -> Diff:
    return Diff(
        schema=SCHEMA,
        tool=_tool(),
        a=_side_of_set(one, a),
        b=_side_of_set(other, b),
        identity=(),
        updates=(),
        packages=compare_package_sets(one.packages, other.packages),
        files=(),
        errors=(*one.errors, *other.errors),
        exit=_exit_of_sets(one, other),
    )


def _side_of_set(found: PackageSet, path: str | Path) -> DiffSide:
    return DiffSide(path=printable_name(str(path)), location=None, summary=f"{len(found.packages)} packages")


def _exit_of_sets(one: PackageSet, other: PackageSet) -> Exit:
    if not one.packages or not other.packages:
        return Exit(code=3, reason="unreadable")
    partial = 4 in (one.exit.code, other.exit.code)
    return Exit(code=4, reason="partial") if partial else Exit(code=0, reason="done")


def _diff_of_images(one: Scan, other: Scan) -> Diff:
    left, right = primary_installation(one), primary_installation(other)
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
        exit=_exit(one, other),
    )


def _exit(one: Scan, other: Scan) -> Exit:
    lacking = [scan for scan in (one, other) if not scan.installations]
    if lacking:
        is_known = all(scan.exit.reason == "no-installation" for scan in lacking)
        return Exit(code=3, reason="no-installation" if is_known else "unreadable")
    partial = any(has_partial_inventory(scan.installations, scan.errors) for scan in (one, other))
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
