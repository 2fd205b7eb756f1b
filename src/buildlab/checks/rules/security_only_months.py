"""A chain of security-only updates has no gap.

A monthly rollup, or its preview, holds all months before it; a security-only update holds its own month and nothing
else. An image that is kept with security-only updates needs every month since its last rollup.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.knowledge.updates import NT60, KnownUpdate, known_updates

_ONLY = "security-only"
_CUMULATIVE = ("monthly-rollup", "preview")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    table = known_updates()
    brought = [
        (package, known)
        for package in context.packages_for(NT60)
        if (known := table.get(package.kb or "")) is not None and known.classification == _ONLY
    ]
    paths = tuple(package.path for package, _ in brought)
    if not brought:
        yield not_applicable("the bundle brings no security-only update that the image lacks")
        return
    if not context.image.list_is_known:
        message = f"which months are on the image before {called(brought[-1][0])} cannot be told"
        yield RuleOutcome(outcome="unknown", message=message, packages=paths)
        return
    last = max((known for _, known in brought), key=lambda known: known.month)
    there = [table[kb] for kb in context.plan.image.kbs if kb in table]
    level = max((known.month for known in there if known.classification in _CUMULATIVE), default="")
    have = {known.month for known in there if known.classification == _ONLY} | {known.month for _, known in brought}
    missing = [
        known
        for known in sorted(table.values(), key=lambda one: one.month)
        if known.classification == _ONLY and level < known.month <= last.month and known.month not in have
    ]
    evidence = tuple(fact for known in there for fact in context.image.kbs.get(known.kb, ()))
    if level >= last.month:
        message = f"a rollup of {level} holds the month of {last.kb} already"
        yield RuleOutcome(outcome="pass", message=message, evidence=evidence, packages=paths)
    elif missing:
        yield RuleOutcome(
            outcome="fail",
            message=f"{len(missing)} months before {last.month} are missing: {_words(missing)}",
            observed=f"rollup of {level}" if level else "no rollup",
            expected=f"every month up to {last.month}",
            evidence=evidence,
            packages=paths,
            remedy="add the missing security-only updates, or one monthly rollup",
        )
    else:
        message = f"every month up to {last.month} is there"
        yield RuleOutcome(outcome="pass", message=message, evidence=evidence, packages=paths)


def _words(missing: list[KnownUpdate]) -> str:
    shown = ", ".join(f"{known.month} ({known.kb})" for known in missing[:6])
    return shown if len(missing) <= 6 else f"{shown} and {len(missing) - 6} more"


SECURITY_ONLY_MONTHS = Rule(
    id="R13",
    title="No month is missing among security-only updates",
    severity="warn",
    source="supersedence in MSRC's data: security-only updates name no predecessor",
    check=_check,
)
