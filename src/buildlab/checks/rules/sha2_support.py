"""Packages that are signed with SHA-2 only find SHA-2 support.

Windows Server 2008 learns to check SHA-2 signatures with two updates: a servicing stack update (KB4493730 or any
later one) and KB4474419. Updates released in or after July 2019 are signed with SHA-2 alone and fail without both.
They may be on the image, or come earlier in the plan. KB4474419 itself needs only the servicing stack update, and
later servicing stack updates only KB4474419.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, month_of, not_applicable
from buildlab.knowledge.periods import period
from buildlab.knowledge.requirements import requirements_of_kb
from buildlab.knowledge.updates import known_updates
from buildlab.results.package_set import UpdatePackage

_NT60 = "6.0"
_CLASSES = ("servicing-stack", "sha2")


def _needed(package: UpdatePackage) -> list[tuple[str, frozenset[str]]]:
    """What brings SHA-2 support, as far as this package needs it: by the table, else both for its month."""
    brings = {kb for kb, known in known_updates().items() if known.classification in _CLASSES}
    listed = requirements_of_kb(package.kb) if package.kb is not None else ()
    return [(one.words, one.kbs) for one in listed if one.kbs and one.kbs <= brings]


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned = [
        package
        for package in context.packages_for(_NT60)
        if (month := month_of(package)) is not None and period("sha2").holds(month) and _needed(package)
    ]
    if not concerned:
        yield not_applicable("no package of the bundle needs SHA-2 support on Windows 6.0")
    for package in concerned:
        there = context.before(package)
        missing = [words for words, kbs in _needed(package) if there.isdisjoint(kbs)]
        met = [kb for _, kbs in _needed(package) for kb in sorted(kbs & there)]
        evidence = tuple(fact for kb in met for fact in context.image.kbs.get(kb, ()))
        if not missing:
            message = f"{called(package)} finds SHA-2 support: {', '.join(met)}"
            yield RuleOutcome(outcome="pass", message=message, evidence=evidence, packages=(package.path,))
        elif not context.image.list_is_known:
            message = f"whether the image can check the signature of {called(package)} cannot be told"
            yield RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
        else:
            yield RuleOutcome(
                outcome="fail",
                message=f"{called(package)} is signed with SHA-2 and lacks {', '.join(missing)}",
                observed=", ".join(met) or "none of them",
                expected="; ".join(words for words, _ in _needed(package)),
                evidence=evidence,
                packages=(package.path,),
                remedy=f"add {' and '.join(missing)} to the bundle",
            )


SHA2_SUPPORT = Rule(
    id="R4",
    title="SHA-2 support is there before packages that need it",
    severity="block",
    source=period("sha2").source,
    check=_check,
)
