"""Updates of Windows Server 2008 do not go on Windows Vista.

Both share their files and packages of one install on the other, and a Vista with those of 2019 or later becomes build
6003. That is not supported, and update services no longer offer a Vista with that number anything. Client and server
are told apart by ProductType, never by the build; every update after the end of Vista in April 2017 is one of the
server.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, month_of, months_unknown, not_applicable
from buildlab.knowledge.periods import period
from buildlab.knowledge.updates import NT60

_CLIENT = "winnt"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    months = [(package, month_of(package)) for package in context.packages_for(NT60)]
    late = tuple(package.path for package, month in months if month is not None and not period("vista").holds(month))
    undated = [package for package, month in months if month is None]
    product_type = context.image.product_type
    evidence = context.facts("system.product_type")
    if context.image.windows != NT60 or not (late or undated):
        yield not_applicable("no update of the time after Windows Vista meets an image of Windows 6.0")
    elif product_type is None:
        yield RuleOutcome(outcome="unknown", message="whether it is a client or a server cannot be told", packages=late)
    elif product_type.lower() != _CLIENT:
        yield RuleOutcome(outcome="pass", message="the image is a server", evidence=evidence, packages=late)
    else:
        yield from months_unknown(undated)
        if late:
            yield RuleOutcome(
                outcome="fail",
                message="the image is Windows Vista, and these updates are for Windows Server 2008",
                observed=product_type,
                expected="ServerNT or LanmanNT",
                evidence=evidence,
                packages=late,
                remedy="leave them out, or accept a system that is not supported and that updates may renumber",
            )


VISTA_CLIENT = Rule(
    id="R18",
    title="Updates of Server 2008 stay off Windows Vista",
    severity="warn",
    source="LegacyUpdate, discussion 218",
    check=_check,
)
