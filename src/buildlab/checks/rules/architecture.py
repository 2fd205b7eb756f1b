"""Every package is for the architecture of the image.

Servicing refuses a package for another architecture, and it is the manifest that decides, not the name of the file: a
package for Itanium-based systems that is called `x64` is one for Itanium-based systems. A 64-bit package may carry
32-bit components; that is no contradiction. Packages without an architecture of their own (`neutral`) fit everywhere.
"""

from collections.abc import Iterator

from buildlab.checks.image_model import identity_of
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.results.check import FindingOutcome

_NEUTRAL = ("neutral", "msil")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    kernel = tuple(fact.id for fact in context.installation.facts if fact.subject == "kernel.machine")
    found = context.image.architecture
    if not context.packages:
        yield not_applicable("there is no bundle")
    for package in context.packages:
        identity = identity_of(package)
        outcome: FindingOutcome
        if package.architecture is None and identity is not None and identity.architecture.lower() in _NEUTRAL:
            outcome, message = "pass", f"{called(package)} is for every architecture"
        elif package.architecture is None:
            outcome, message = "unknown", f"the architecture of {called(package)} is not known"
        elif found is None:
            outcome, message = "unknown", "the architecture of the image is not known"
        elif package.architecture == found:
            outcome, message = "pass", f"{called(package)} is for {found}, as the image is"
        else:
            outcome, message = "fail", f"{called(package)} is for {package.architecture}, the image is {found}"
        yield RuleOutcome(
            outcome=outcome,
            message=message,
            observed=package.architecture,
            expected=found,
            evidence=kernel,
            packages=(package.path,),
            remedy=f"take the package for {found} instead" if outcome == "fail" else None,
        )


ARCHITECTURE = Rule(
    id="R2",
    title="Packages are for the image's architecture",
    severity="block",
    source="architecture in the manifests of real packages of Windows Server 2008",
    check=_check,
)
