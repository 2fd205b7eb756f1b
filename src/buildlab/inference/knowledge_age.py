"""Whether the bundled data may be too old for what is judged by it: no clock is asked, two dates are compared."""

from dataclasses import replace
from typing import TYPE_CHECKING

from buildlab.evidence.fact import Gap
from buildlab.results.scan import Installation

if TYPE_CHECKING:
    from buildlab.results.package_set import UpdatePackage

_DAY = len("2026-11-20")


def with_age_of_knowledge(installation: Installation, knowledge_date: str) -> Installation:
    """The installation, with a gap where an update was installed after the day (ISO 8601) of the bundled data."""
    times = [update.installed_at for update in installation.updates]
    times += [package.installed_at for package in installation.packages]
    newest = max((time[:_DAY] for time in times if time is not None), default="")
    if newest <= knowledge_date:
        return installation
    return replace(
        installation, gaps=(*installation.gaps, _gap(f"the newest update was installed on {newest}", knowledge_date))
    )


def package_with_age_of_knowledge(package: "UpdatePackage", knowledge_date: str) -> "UpdatePackage":
    """The package, with a gap where it was signed after the day of the bundled data."""
    signed = (package.signature.signed_at or "")[:_DAY]
    if signed <= knowledge_date:
        return package
    return replace(package, gaps=(*package.gaps, _gap(f"the package was signed on {signed}", knowledge_date)))


def _gap(what: str, knowledge_date: str) -> Gap:
    reason = f"{what}, the bundled data is of {knowledge_date}: newer builds and updates are not known"
    return Gap(subject="knowledge", kind="missing", path=None, reason=reason)
