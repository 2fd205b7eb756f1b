"""Every package is for the Windows of the image.

Packages of one month look alike and have names that differ in a digit: `windows6.1` packages are for Windows 7 and
Server 2008 R2 and are never applicable to Windows Server 2008, which is 6.0. The versions of a package's parents
decide, then its own properties; the name of its file does not.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.results.check import FindingOutcome


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    found = context.image.windows
    evidence = context.installation.identity.because
    if not context.packages:
        yield not_applicable("there is no bundle")
    for package in context.packages:
        outcome: FindingOutcome
        if package.windows is None or found is None:
            outcome = "unknown"
            message = f"which Windows {called(package)} is for, or the image is, cannot be told"
        else:
            outcome = "pass" if package.windows == found else "fail"
            message = f"{called(package)} is for Windows {package.windows}, the image is Windows {found}"
        yield RuleOutcome(
            outcome=outcome,
            message=message,
            observed=package.windows,
            expected=found,
            evidence=evidence,
            packages=(package.path,),
            remedy=f"take the package for Windows {found} instead" if outcome == "fail" else None,
        )


WINDOWS_VERSION = Rule(
    id="R3",
    title="Packages are for the image's Windows",
    severity="block",
    source="parents in the manifests of real packages",
    check=_check,
)
