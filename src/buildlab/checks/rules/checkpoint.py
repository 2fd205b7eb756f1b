"""A cumulative update finds its checkpoint, and no checkpoint is applied over something newer.

From Windows 11 24H2 and Server 2025 on, cumulative updates build on earlier ones, the checkpoints: the update's
parents name them. A checkpoint must be there before; on an image that is past it, applying it again is refused.
"""

from collections.abc import Iterator

from buildlab.checks.image_model import identity_of
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.knowledge.servicing import checkpoint_kbs
from buildlab.results.check import FindingOutcome
from buildlab.results.package_set import ParentPackage, UpdatePackage
from buildlab.windows.package_identity import PackageIdentity
from buildlab.windows.version import NtVersion

_CUMULATIVE = "cumulative"
_THERE = ("installed", "superseded")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    due = {package.path for package in context.due}
    named = {parent.version for package in context.packages for parent in _checkpoints_of(package)}
    asked = False
    for package in context.packages:
        identity = identity_of(package)
        if package.classification != _CUMULATIVE or identity is None:
            continue
        for parent in _checkpoints_of(package) if package.path in due else ():
            asked = True
            yield _needed(context, package, parent)
        if identity.version in named or package.kb in checkpoint_kbs():
            asked = True
            yield _past(context, package, identity)
    if not asked:
        yield not_applicable("no cumulative update of the bundle is a checkpoint or builds on one")


def _checkpoints_of(package: UpdatePackage) -> list[ParentPackage]:
    """The parents that are earlier versions of the package itself."""
    identity = identity_of(package)
    if identity is None or package.classification != _CUMULATIVE:
        return []
    return [parent for parent in package.parents if parent.name.lower() == identity.name.lower()]


def _needed(context: CheckContext, package: UpdatePackage, parent: ParentPackage) -> RuleOutcome:
    """The checkpoint of a package, or something later, is on the image or in the plan."""
    wanted = NtVersion.parse(parent.version)
    there = context.plan.image.of_family(parent.name, parent.architecture, parent.language).every()
    reached = [
        one
        for one in there
        if one.version is not None and one.presence in _THERE and (wanted is None or one.version >= wanted)
    ]
    missing: FindingOutcome = "fail" if context.image.list_is_known else "unknown"
    outcome: FindingOutcome = "pass" if reached else missing
    return RuleOutcome(
        outcome=outcome,
        message=f"{called(package)} builds on the cumulative update {parent.version}",
        expected=parent.version,
        evidence=tuple(one.fact for one in reached if one.fact is not None),
        packages=(package.path,),
        remedy="add the checkpoint to the bundle" if outcome == "fail" else None,
    )


def _past(context: CheckContext, package: UpdatePackage, identity: PackageIdentity) -> RuleOutcome:
    """A checkpoint of the bundle is not behind the image."""
    version = identity.nt_version
    there = context.image.of_family(identity.name, identity.architecture, identity.language).every()
    later = [
        one
        for one in there
        if one.version is not None and version is not None and one.version > version and one.presence in _THERE
    ]
    if later:
        return RuleOutcome(
            outcome="fail",
            message=f"the checkpoint {called(package)} is behind the image, which has {later[0].version}",
            observed=str(later[0].version),
            expected=f"{identity.version} or earlier",
            evidence=tuple(one.fact for one in later if one.fact is not None),
            packages=(package.path,),
            remedy="leave the checkpoint out",
        )
    known = context.image.list_is_known and version is not None
    message = f"the image is {'not past' if known else 'perhaps past'} the checkpoint {called(package)}"
    return RuleOutcome(outcome="pass" if known else "unknown", message=message, packages=(package.path,))


CHECKPOINT = Rule(
    id="R23",
    title="Cumulative updates find their checkpoint",
    severity="block",
    source="parents in the manifests of cumulative updates; BatUtil discussion 67",
    check=_check,
)
