"""An update for Windows Vista or Server 2008 finds service pack 2.

The rollups and security-only updates of these systems, and everything released since 2011, are made for service pack
2 (build 6002, or 6003 once the number has changed). On an image without it they are not applicable, whatever else it
has. What decides is the kernel on disk; a hive alone is weaker evidence.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, month_of, not_applicable
from buildlab.knowledge.builds import build_of
from buildlab.knowledge.periods import period

_NT60 = "6.0"
_WANTED = "Service Pack 2"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned = [
        package
        for package in context.packages_for(_NT60)
        if (month := month_of(package)) is not None and period("rollup-model").holds(month)
    ]
    if not concerned or context.image.windows != _NT60:
        yield not_applicable("no update of the rollup model for Windows 6.0 meets an image of it")
        return
    build = context.image.build
    known = None if build is None else build_of(build)
    paths = tuple(package.path for package in concerned)
    evidence = context.installation.identity.because
    if known is None:
        yield RuleOutcome(
            outcome="unknown", message="the build of the image is not known", packages=paths, expected=_WANTED
        )
    elif known.service_pack == _WANTED:
        message = f"build {build} is {_WANTED}"
        yield RuleOutcome(outcome="pass", message=message, evidence=evidence, packages=paths, expected=_WANTED)
    else:
        yield RuleOutcome(
            outcome="fail",
            message=f"build {build} is not {_WANTED}, which {called(concerned[0])} is made for",
            observed=known.service_pack or "no service pack",
            expected=_WANTED,
            evidence=evidence,
            packages=paths,
            remedy="install service pack 2 (KB948465) first",
        )


SERVICE_PACK = Rule(
    id="R1",
    title="Windows Vista and Server 2008 have service pack 2",
    severity="block",
    source="parents in the manifests of real packages: package_for_KB948465",
    check=_check,
)
