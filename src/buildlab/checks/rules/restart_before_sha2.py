"""There is a restart between SHA-2 support and the first package that needs it.

The servicing stack update and KB4474419 take effect with the next start. Recipes that install a SHA-2 package in the
same session fail. The plan has the restart; this rule says where, and fails where servicing offline leaves no place
for one because the image already waits for a restart with those updates pending.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable, split_by_period
from buildlab.knowledge.requirements import sha2_requirements
from buildlab.knowledge.updates import NT60

_SUPPORT = ("servicing-stack", "sha2", "esu-preparation")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    needing, _ = split_by_period(context.packages_for(NT60), "sha2", exempt=_SUPPORT)
    places = {step.package.path: place for place, step in enumerate(context.plan.steps)}
    planned = [places[package.path] for package in needing if package.path in places]
    support = list(_support(context))
    if context.image.restart_due and needing:
        yield RuleOutcome(
            outcome="fail",
            message="the image waits for a restart, and packages that need SHA-2 support are to follow",
            evidence=context.installation.pending.because,
            packages=tuple(package.path for package in needing),
            remedy="start the image once, then service it",
        )
    elif not support or not planned:
        yield not_applicable("the plan does not bring SHA-2 support and a package that needs it")
    else:
        first = min(planned)
        package = context.plan.steps[first].package
        last = max((place for place in support if place < first), default=first)
        between = any(step.restart_after for step in context.plan.steps[last:first])
        yield RuleOutcome(
            outcome="pass" if between else "fail",
            message=f"a restart {'comes' if between else 'is missing'} before {called(package)}",
            packages=(package.path,),
            remedy=None if between else f"restart before {called(package)}",
        )


def _support(context: CheckContext) -> Iterator[int]:
    """The steps that bring SHA-2 support which the image lacks; a later servicing stack adds nothing to it."""
    there = frozenset(context.image.kbs)
    for needed in sha2_requirements():
        bringing = (place for place, step in enumerate(context.plan.steps) if step.package.kb in needed.kbs)
        first = None if needed.is_met_by(there) else next(bringing, None)
        if first is not None:
            yield first


RESTART_BEFORE_SHA2 = Rule(
    id="R6",
    title="A restart lies between SHA-2 support and what needs it",
    severity="warn",
    source="three independent recipes of the field for Windows Server 2008",
    check=_check,
)
