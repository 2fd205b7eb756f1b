"""Registry and kernel agree on the build, or it is explained why not.

The registry shows the kernel that ran last, the file on disk the one that will start next. An image that was serviced
offline says 6002 in its registry and 6003 in its kernel with good reason; without one the disagreement is worth a
look before anything is installed.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome

_UNEXPLAINED = "unexplained"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    identity = context.installation.identity
    conflicts = [conflict for conflict in context.installation.conflicts if conflict.subject in ("build", "revision")]
    for conflict in conflicts:
        yield RuleOutcome(
            outcome="fail" if conflict.explanation == _UNEXPLAINED else "pass",
            message=f"sources differ on the {conflict.subject}: {conflict.note}",
            observed=", ".join(str(value.value) for value in conflict.values),
            evidence=tuple(value.fact for value in conflict.values),
            remedy="find out why before servicing the image" if conflict.explanation == _UNEXPLAINED else None,
        )
    if not conflicts:
        agree = identity.verdict in ("agree", "explained")
        yield RuleOutcome(
            outcome="pass" if agree else "unknown",
            message="all sources agree on the build" if agree else f"the build has the verdict {identity.verdict}",
            evidence=identity.because,
        )


HIVE_AND_KERNEL = Rule(
    id="R16",
    title="Registry and kernel agree on the build",
    severity="info",
    source="the kernel writes its version into the registry when it starts",
    check=_check,
)
