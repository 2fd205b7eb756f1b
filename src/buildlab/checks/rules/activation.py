"""Whether Extended Security Updates are activated cannot be told offline.

The key is activated in the licensing store, which no registry value mirrors. An image may have everything that the
plan needs and the installation of an update can still be refused. This rule never passes: it says what to look at.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, not_applicable, split_by_period
from buildlab.knowledge.updates import NT60

_EXEMPT = ("servicing-stack", "sha2", "esu-preparation")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned, undated = split_by_period(context.packages_for(NT60), "esu", exempt=_EXEMPT)
    if not concerned and not undated:
        yield not_applicable("no package of the bundle needs a licence for Extended Security Updates")
        return
    yield RuleOutcome(
        outcome="unknown",
        message="whether Extended Security Updates are activated cannot be told from an image",
        packages=tuple(package.path for package in (*concerned, *undated)),
        remedy="on the running system: slmgr /dlv with the activation id of the year",
    )


ACTIVATION = Rule(
    id="R9",
    title="Extended Security Updates are activated",
    severity="info",
    source="licensing store of Windows; Microsoft's notes on Extended Security Updates",
    check=_check,
)
