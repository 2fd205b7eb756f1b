"""The bundle can be installed in the order in which it is given.

The order matters: servicing stack, SHA-2 support, restart, newest servicing stack, ESU preparation, restart, rollup.
A deployment that takes packages in the order of the bundle fails where a package comes before what it needs, and one
that is older than its predecessor is not installed any more. The rule tries the order on the model. The plan is an
order that works.
"""

from collections.abc import Iterator

from buildlab.checks.applicability import judge
from buildlab.checks.image_model import installed
from buildlab.checks.plan import comes_first
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.results.package_set import UpdatePackage


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    planned = [step.package for step in context.plan.steps]
    if len(planned) < 2:
        yield not_applicable("the plan has no two packages to put in order")
        return
    paths = {package.path for package in planned}
    given = [package for package in context.packages if package.path in paths]
    why = _too_early(given, context)
    if why is None:
        message = "the packages of the plan can be installed in the order of the bundle"
        yield RuleOutcome(outcome="pass", message=message, packages=tuple(package.path for package in planned))
    else:
        yield RuleOutcome(
            outcome="fail",
            message=why,
            observed=_words(given),
            expected=_words(planned),
            packages=tuple(package.path for package in planned),
            remedy="install in the order of the plan, with its restarts",
        )


def _too_early(given: list[UpdatePackage], context: CheckContext) -> str | None:
    """Why the order does not work: a package meets something missing, or one that comes first by class is late."""
    image = context.image
    other: UpdatePackage | None = None
    for package in given:
        if other is not None and comes_first(package):
            return f"{called(package)} is {package.classification} and comes after {called(other)}"
        if not comes_first(package):
            other = other or package
        judgement = judge(package, image)
        if judgement.verdict != "applicable":
            return f"{called(package)} would be {judgement.verdict} in its place: {judgement.because[0]}"
        image = installed(image, package)
    return None


def _words(packages: list[UpdatePackage]) -> str:
    shown = ", ".join(called(package) for package in packages[:10])
    return shown if len(packages) <= 10 else f"{shown} and {len(packages) - 10} more"


BUNDLE_ORDER = Rule(
    id="R7",
    title="The bundle is in an order that works",
    severity="warn",
    source="prerequisites of the updates; recipes of the field for Windows Server 2008",
    check=_check,
)
