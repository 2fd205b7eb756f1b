"""Updates of Windows Server 2008 do not go on Windows Vista.

Both share their files and packages of one install on the other, and a Vista with them becomes build 6003. That is not
supported, and update services no longer offer a Vista with that number anything.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, month_of, not_applicable
from buildlab.knowledge.periods import period

_NT60 = "6.0"
_CLIENT = "WinNT"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned = tuple(
        package.path
        for package in context.packages_for(_NT60)
        if (month := month_of(package)) is not None and period("rollup-model").holds(month)
    )
    if context.image.windows != _NT60 or not concerned:
        yield not_applicable("no update of Windows Server 2008 of the rollup model meets an image of Windows 6.0")
        return
    product_type = context.image.product_type
    evidence = context.facts("product_type", "registry.product_type")
    if product_type is None:
        yield RuleOutcome(outcome="unknown", message="whether it is a client or a server cannot be told")
    elif product_type == _CLIENT:
        yield RuleOutcome(
            outcome="fail",
            message="the image is Windows Vista, and these updates are for Windows Server 2008",
            observed=product_type,
            expected="ServerNT or LanmanNT",
            evidence=evidence,
            packages=concerned,
            remedy="leave them out, or accept an unsupported system of build 6003",
        )
    else:
        yield RuleOutcome(outcome="pass", message="the image is a server", evidence=evidence, packages=concerned)


VISTA_CLIENT = Rule(
    id="R18",
    title="Updates of Server 2008 stay off Windows Vista",
    severity="warn",
    source="LegacyUpdate, discussion 218",
    check=_check,
)
