"""A chain of security-only updates has no gap.

A monthly rollup holds all months before it; a security-only update holds its own month and nothing else. An image
that is kept with security-only updates needs every month since its last rollup.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, not_applicable
from buildlab.knowledge.updates import KnownUpdate, known_updates


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    table = known_updates()
    planned = {step.package.kb for step in context.plan.steps}
    brought = [known for kb in planned if (known := table.get(kb or "")) is not None]
    only = [known for known in brought if known.classification == "security-only"]
    if not only:
        yield not_applicable("the plan brings no security-only update")
        return
    there = [table[kb] for kb in context.plan.image.kbs if kb in table]
    last = max(only, key=lambda known: known.month)
    level = max((known.month for known in there if known.classification == "monthly-rollup"), default="")
    have = {known.month for known in there if known.classification == "security-only"}
    missing = [
        known
        for known in sorted(table.values(), key=lambda one: one.month)
        if known.classification == "security-only" and level < known.month <= last.month and known.month not in have
    ]
    paths = tuple(step.package.path for step in context.plan.steps if table.get(step.package.kb or "") in only)
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
