"""The bundle does not turn build 6002 into 6003 unnoticed.

From the spring of 2019 on, updates of Windows Server 2008 bring kernels of build 6003: the same service pack 2 under
another number, because the revisions of 6002 ran out. What compares the version with 6.0.6002 (installers, scanners,
detection rules) must accept 6003 first. Nothing turns the number back but removing the update.

The kernel in the package decides, then the bundled data. Which update was the first is disputed: Microsoft names
KB4489887 (March 2019), the versions of kernels say the updates of April 2019; without its kernel the rule says
"unknown" for that one.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, month_of, not_applicable
from buildlab.knowledge.servicing import BuildChange, build_change_of
from buildlab.knowledge.updates import NT60, update_of_kb
from buildlab.results.check import FindingOutcome
from buildlab.results.package_set import UpdatePackage
from buildlab.windows.version import NtVersion

_OUT_OF_BAND = "other"
_MONTHLY = ("monthly-rollup", "security-only", "preview")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    image = context.image
    change = build_change_of(image.windows) if image.windows is not None else None
    if change is None or image.build not in (None, change.before):
        yield not_applicable("no update turns the build of the image into another")
        return
    evidence = context.installation.identity.because
    if image.build is None:
        yield RuleOutcome(outcome="unknown", message="the build of the image is not known")
        return
    changes = {step.package.path: (step.package, _changes(step.package, change)) for step in context.plan.steps}
    sure = [package for package, found in changes.values() if found == "fail"]
    unsure = [package for package, found in changes.values() if found == "unknown"]
    turning = f"turns build {change.before} into {change.after}"
    if sure:
        message = f"{called(sure[0])} {turning}; what reads the version must accept {change.after}"
    elif unsure:
        message = f"whether {called(unsure[0])} {turning} cannot be told without its kernel"
    else:
        message = f"the image stays {change.before}"
    yield RuleOutcome(
        outcome="fail" if sure else "unknown" if unsure else "pass",
        message=message,
        observed=str(change.before),
        expected=str(change.after) if sure else None,
        evidence=evidence,
        packages=tuple(package.path for package in sure or unsure),
        remedy=f"test installers, scanners and detection rules with build {change.after} first" if sure else None,
    )


def _changes(package: UpdatePackage, change: BuildChange) -> FindingOutcome:
    """Fail for a package that turns the build: by its kernel, else by the bundled data, else by its month."""
    known = update_of_kb(package.kb) if package.kb is not None else None
    version = NtVersion.parse(package.kernel or "") or (None if known is None else known.version)
    if version is not None:
        return "fail" if version.build == change.after else "pass"
    if package.kb == change.disputed:
        return "unknown"
    if (month_of(package) or change.first_month) < change.first_month or package.windows != NT60:
        return "pass"
    if package.classification in _MONTHLY:
        return "fail"
    return "unknown" if known is not None and known.classification == _OUT_OF_BAND else "pass"


BUILD_CHANGE = Rule(
    id="R17",
    title="The number of the build does not change unnoticed",
    severity="info",
    source="Microsoft's article on the change of Windows Server 2008 SP2's build number to 6003",
    check=_check,
)
