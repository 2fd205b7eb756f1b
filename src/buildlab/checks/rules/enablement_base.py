"""An enablement package finds the build that it is made for.

An enablement package lets the same files count as a later build: Windows 10 22H2 is 19041 with such a package. On the
files of another build it is not applicable. Which revision it needs at least is stated by its parents, and judged with
them.
"""

from collections.abc import Iterator

from buildlab.checks.image_model import enabled_build
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable

_ENABLEMENT = "enablement"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned = [package for package in context.due if package.classification == _ENABLEMENT]
    if not concerned:
        yield not_applicable("the bundle has no enablement package that the image lacks")
    found = context.image.files_build
    for package in concerned:
        enabled = enabled_build(package)
        if enabled is None or found is None:
            what = "which build it enables" if enabled is None else "the build of the image"
            message = f"{what} is not known, so that the base of {called(package)} cannot be judged"
            yield RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
            continue
        build, base = enabled
        fits = base == found
        yield RuleOutcome(
            outcome="pass" if fits else "fail",
            message=f"{called(package)} makes {build} of the files of {base}, the image has those of {found}",
            observed=str(found),
            expected=str(base),
            evidence=context.installation.identity.because,
            packages=(package.path,),
            remedy=None if fits else f"leave it out, or take an image of build {base}",
        )


ENABLEMENT_BASE = Rule(
    id="R25",
    title="Enablement packages find their build",
    severity="block",
    source="lists of enablement packages and of the builds that share files",
    check=_check,
)
