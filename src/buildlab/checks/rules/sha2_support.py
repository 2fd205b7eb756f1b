"""Packages that are signed with SHA-2 only find SHA-2 support.

Windows Server 2008 learns to check SHA-2 signatures with two updates: a servicing stack update (KB4493730 or any
later one) and KB4474419. Updates released in or after July 2019 are signed with SHA-2 alone and fail without both.
They may be on the image, or come earlier in the plan. KB4474419 itself needs only the servicing stack update, and
later servicing stack updates need only KB4474419. The month is that of the bundled data, else the one in which the
package was made; where neither is known, neither is the answer.
"""

from collections.abc import Iterator

from buildlab.checks.rule import (
    CheckContext,
    Rule,
    RuleOutcome,
    called,
    months_unknown,
    not_applicable,
    split_by_period,
)
from buildlab.knowledge.periods import period
from buildlab.knowledge.requirements import Requirement, requirements_of_kb, sha2_requirements
from buildlab.knowledge.updates import NT60
from buildlab.results.package_set import UpdatePackage

_SHA2, _STACK = "sha2", "servicing-stack"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    packages = context.packages_for(NT60)
    of_time, undated = split_by_period(packages, "sha2", exempt=(_SHA2,))
    concerned = [*(package for package in packages if package.classification == _SHA2), *of_time]
    if not concerned and not undated:
        yield not_applicable("no package of the bundle needs SHA-2 support on Windows 6.0")
    yield from months_unknown(undated)
    yield from (_judge(context, package) for package in concerned)


def _judge(context: CheckContext, package: UpdatePackage) -> RuleOutcome:
    needed = _needed(package)
    met = [context.before(package, one.kbs) for one in needed]
    missing = [one for one, found in zip(needed, met, strict=True) if not found]
    evidence = tuple(fact for found in met for kb in found for fact in context.image.kbs.get(kb, ()))
    words = ", ".join(found[0] for found in met if found)
    if not missing:
        message = f"{called(package)} finds SHA-2 support: {words}"
        return RuleOutcome(outcome="pass", message=message, evidence=evidence, packages=(package.path,))
    if not context.image.list_is_known:
        message = f"whether the image can check the signature of {called(package)} cannot be told"
        return RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
    return RuleOutcome(
        outcome="fail",
        message=f"{called(package)} needs SHA-2 support and lacks {', '.join(one.words for one in missing)}",
        observed=words or "none of them",
        expected="; ".join(one.words for one in needed),
        evidence=evidence,
        packages=(package.path,),
        remedy=context.remedy_for(one.kbs for one in missing),
    )


def _needed(package: UpdatePackage) -> list[Requirement]:
    """What brings SHA-2 support, as far as this package needs it."""
    every = sha2_requirements()
    if package.classification == _SHA2:
        listed = requirements_of_kb(package.kb) if package.kb is not None else ()
        return [one for one in listed if one in every]
    if package.classification == _STACK:
        return [one for one in every if package.kb is None or package.kb not in one.kbs]
    return list(every)


SHA2_SUPPORT = Rule(
    id="R4",
    title="SHA-2 support is there before packages that need it",
    severity="block",
    source=period("sha2").source,
    check=_check,
)
