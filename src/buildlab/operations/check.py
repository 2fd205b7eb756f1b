"""Check a bundle of packages against an image: scan the one, read the other, judge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from buildlab.checks.evaluation import Evaluation, evaluate
from buildlab.checks.policy import NO_POLICY, Policy
from buildlab.knowledge.table import knowledge_date
from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.operations.progress import Progress
from buildlab.operations.saved import scan_or_saved
from buildlab.operations.scan import ScanOptions, has_partial_inventory
from buildlab.results.check import Check
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Exit, Installation, Scan, ScanError, Tool
from buildlab.version import __version__

SCHEMA: Final = "buildlab.check/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """How to check. `packages` says how the bundle is read, `scan` how the image is; `as_of` of `packages` is the day
    for which policies, support and signatures are judged."""

    policy: Policy = NO_POLICY
    scan: ScanOptions = field(default_factory=ScanOptions)
    packages: PackagesOptions


def check(
    image: str | Path,
    bundle: Sequence[str | Path] = (),
    options: CheckOptions | None = None,
    progress: Progress | None = None,
) -> Check:
    """Judge a bundle against the primary installation of an image, which may be a saved scan.

    The primary installation is the first that is a Windows; an address with ``#`` chooses another. Nothing about image
    or bundle raises: what could not be read is in the result. PolicyError does not come from here: the policy is read.
    """
    options = options or CheckOptions(packages=PackagesOptions(as_of=datetime.now(UTC)))
    scanned = scan_or_saved(image, options.scan, progress)
    packages = inspect_packages(bundle, options.packages, progress) if bundle else None
    installation = primary_installation(scanned)
    as_of = options.packages.as_of.date()
    found = None
    if installation is not None:
        found = evaluate(installation, () if packages is None else packages.packages, options.policy, as_of=as_of)
    errors = (*scanned.errors, *(() if packages is None else packages.errors))
    cited = {fact for finding in found.findings for fact in finding.evidence} if found is not None else set()
    return Check(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        as_of=as_of.isoformat(),
        target=scanned.target.path,
        location=None if installation is None else installation.location,
        image=None if installation is None else installation.identity,
        bundle=() if found is None else found.bundle,
        plan=() if found is None else found.plan,
        missing=() if found is None else found.missing,
        smallest=() if found is None else found.smallest,
        predicted=None if found is None else found.predicted,
        findings=() if found is None else found.findings,
        facts=() if installation is None else tuple(fact for fact in installation.facts if fact.id in cited),
        errors=errors,
        exit=_exit(scanned, packages, found, errors),
    )


def primary_installation(scan: Scan) -> Installation | None:
    """The first installation that is a Windows, else the first of all."""
    of_windows = (one for one in scan.installations if one.kind == "windows")
    return next(of_windows, scan.installations[0] if scan.installations else None)


def _exit(scan: Scan, packages: PackageSet | None, found: Evaluation | None, errors: Sequence[ScanError]) -> Exit:
    """5 for a bug of ours in a package; 3 without an image, then 4 for what could not be read, then 1, then 0."""
    if packages is not None and packages.exit.code == 5:
        return packages.exit
    if found is None or (packages is not None and not packages.packages):
        return Exit(code=3, reason="no-installation" if scan.exit.reason == "no-installation" else "unreadable")
    partial = has_partial_inventory(scan.installations, errors)
    if partial or (packages is not None and packages.exit.code == 4):
        return Exit(code=4, reason="partial")
    return Exit(code=1, reason="policy") if found.is_against_policy else Exit(code=0, reason="done")
