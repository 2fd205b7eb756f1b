"""Updates of the late years are for some customers only.

Updates of Windows Server 2008 from February 2023 on are for machines in Azure (or with Premium Assurance), those from
February 2024 on for Premium Assurance only. A bundle for other machines should end before.
"""

from collections.abc import Iterator

from buildlab.checks.rule import (
    CheckContext,
    Rule,
    RuleOutcome,
    called,
    month_of,
    months_unknown,
    not_applicable,
    split_by_period,
)
from buildlab.knowledge.periods import period
from buildlab.knowledge.updates import NT60

_AZURE, _PREMIUM = "azure", "premium-assurance"
_EXEMPT = ("servicing-stack", "sha2", "esu-preparation")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned, undated = split_by_period(context.packages_for(NT60), _AZURE, exempt=_EXEMPT)
    if not concerned and not undated:
        yield not_applicable("no package of the bundle is of the years for Azure or Premium Assurance")
    yield from months_unknown(undated)
    for package in concerned:
        month = month_of(package) or ""
        reached = period(_PREMIUM) if period(_PREMIUM).holds(month) else period(_AZURE)
        yield RuleOutcome(
            outcome="fail",
            message=f"{called(package)} is of {month}: {reached.words}",
            observed=month,
            expected=f"before {reached.first}",
            packages=(package.path,),
            remedy="make sure that the machines are entitled to it, or end the bundle with an earlier month",
        )


LICENCE_PERIOD = Rule(
    id="R10",
    title="No update is for Azure or Premium Assurance only",
    severity="warn",
    source=period("azure").source,
    check=_check,
)
