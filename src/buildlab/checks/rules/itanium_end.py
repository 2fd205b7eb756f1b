"""Nothing newer than January 2020 goes on an Itanium-based system.

Updates for Itanium-based systems end with January 2020; there were no Extended Security Updates for them. A package
that claims to be for IA-64 and is newer is not what its name says.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, month_of, not_applicable
from buildlab.knowledge.periods import period
from buildlab.knowledge.updates import NT60

_IA64 = "IA-64"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    if context.image.architecture not in (None, _IA64):
        yield not_applicable("the image is not for Itanium-based systems")
        return
    concerned = [
        package
        for package in context.packages_for(NT60)
        if context.image.architecture == _IA64 or package.architecture == _IA64
    ]
    if not concerned:
        yield not_applicable("the bundle has no package for Itanium-based systems")
    evidence = context.facts("kernel.machine")
    end = period("ia64")
    for package in concerned:
        month = month_of(package)
        if month is None:
            message = f"the month of {called(package)} is not known"
            yield RuleOutcome(outcome="unknown", message=message, evidence=evidence, packages=(package.path,))
        else:
            holds = end.holds(month)
            yield RuleOutcome(
                outcome="pass" if holds else "fail",
                message=f"{called(package)} is of {month}; {end.last} is {end.words}",
                observed=month,
                expected=f"{end.last} or earlier",
                evidence=evidence,
                packages=(package.path,),
                remedy=None if holds else "leave it out: there is no such update for this architecture",
            )


ITANIUM_END = Rule(
    id="R11",
    title="Nothing is newer than the last updates for IA-64",
    severity="block",
    source=period("ia64").source,
    check=_check,
)
