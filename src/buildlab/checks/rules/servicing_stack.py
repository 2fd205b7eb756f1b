"""The servicing stack is new enough for every package.

A package states the lowest version of the servicing stack that may install it. It may be on the image, or be brought
by a servicing stack update that comes earlier in the plan.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.windows.version import NtVersion


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    asking = [
        (package, wanted)
        for package in context.due
        if (wanted := NtVersion.parse(package.minimum_servicing_stack or "")) is not None and _asks(wanted)
    ]
    if not asking:
        yield not_applicable("no package asks for a servicing stack")
    evidence = context.installation.servicing_stack.because
    for package, wanted in asking:
        found = context.stack_before(package)
        if found is None:
            message = f"the servicing stack that {called(package)} would meet is not known"
            yield RuleOutcome(
                outcome="unknown", message=message, packages=(package.path,), expected=f"{wanted} or later"
            )
            continue
        yield RuleOutcome(
            outcome="pass" if found >= wanted else "fail",
            message=f"{called(package)} asks for servicing stack {wanted} and meets {found}",
            observed=str(found),
            expected=f"{wanted} or later",
            evidence=evidence,
            packages=(package.path,),
            remedy=None if found >= wanted else f"add a servicing stack update that brings {wanted} or later",
        )


def _asks(wanted: NtVersion) -> bool:
    """Whether a version asks for anything: 6.0.0.0 does not."""
    return bool(wanted.build or wanted.revision)


SERVICING_STACK = Rule(
    id="R22",
    title="The servicing stack is new enough",
    severity="block",
    source="installerAssembly in the manifests of packages",
    check=_check,
)
