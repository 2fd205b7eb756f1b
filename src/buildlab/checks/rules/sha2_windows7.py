"""Packages for Windows 7 and Server 2008 R2 find SHA-2 support.

Their updates are signed with SHA-2 only from August 2019 on, and fail without KB4474419, which may be on the image or
come earlier in the plan. Servicing stack updates are left out, and which one has to be there is judged by what the
package itself asks for (R22). The rule for Windows Server 2008 is R4.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, month_of, months_unknown, not_applicable
from buildlab.knowledge.servicing import Sha2Support, sha2_support_of
from buildlab.results.package_set import UpdatePackage

_NT61 = "6.1"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    support = sha2_support_of(_NT61)
    asked = [
        (package, month_of(package))
        for package in context.packages_for(_NT61)
        if support is not None and package.kb != support.kb and package.classification != "servicing-stack"
    ]
    undated = [package for package, month in asked if month is None]
    concerned = [
        package
        for package, month in asked
        if support is not None and month is not None and month >= support.first_month
    ]
    if support is None or not (concerned or undated):
        yield not_applicable("no package of the bundle needs SHA-2 support on Windows 7 or Server 2008 R2")
        return
    yield from months_unknown(undated)
    yield from (_judge(context, package, support) for package in concerned)


def _judge(context: CheckContext, package: UpdatePackage, support: Sha2Support) -> RuleOutcome:
    if context.before(package, (support.kb,)):
        return RuleOutcome(
            outcome="pass",
            message=f"{called(package)} finds {support.kb}",
            evidence=context.image.kbs.get(support.kb, ()),
            packages=(package.path,),
        )
    if not context.image.list_is_known:
        message = f"whether the image can check the signature of {called(package)} cannot be told"
        return RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
    return RuleOutcome(
        outcome="fail",
        message=f"{called(package)} is signed with SHA-2 and lacks {support.kb}",
        observed="not there",
        expected=support.kb,
        packages=(package.path,),
        remedy=context.remedy_for([frozenset({support.kb})]),
    )


SHA2_WINDOWS7 = Rule(
    id="R26",
    title="SHA-2 support is there on Windows 7 and Server 2008 R2",
    severity="block",
    source="Microsoft KB4472027 (2019 SHA-2 Code Signing Support requirement)",
    check=_check,
)
