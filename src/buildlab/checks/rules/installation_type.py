"""What the image is, that packages may depend on.

Server Core lacks the files that many updates are for, and roles add some; which child packages of an update apply is
decided by servicing. Free space is a matter of the machine, not of the image. This rule reports what is known.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, not_applicable

_CORE = "server core"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    if not context.packages:
        yield not_applicable("there is no bundle")
        return
    kind = context.image.installation_type
    if kind is None:
        message = "the installation type (client, server, Server Core) is not known"
        yield RuleOutcome(outcome="unknown", message=message)
    elif kind.lower() == _CORE:
        message = "the image is Server Core: parts of the packages may not apply to it"
        yield RuleOutcome(outcome="pass", message=message, observed=kind)
    else:
        yield RuleOutcome(outcome="pass", message=f"the installation type is {kind}", observed=kind)


INSTALLATION_TYPE = Rule(
    id="R20",
    title="The installation type is known",
    severity="info",
    source="InstallationType of the registry; names of child packages (_client, _server, _sc)",
    check=_check,
)
