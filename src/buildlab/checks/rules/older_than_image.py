"""No rollup is older than the image's own level.

A monthly rollup, or a cumulative update, brings the files of its month. On an image that has later ones it changes
nothing: it costs time, and the build of the image stays what it is. A rollup of the image's own month is not older:
the image may have that revision from a security-only update, which holds less. What supersedes what is told by the
versions of packages and by the bundled data; the rest by the revisions of kernels.
"""

from collections.abc import Iterator

from buildlab.checks.applicability import judge
from buildlab.checks.image_model import build_line, identity_of
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.knowledge.updates import NT60, known_updates, update_of_kb
from buildlab.results.package_set import UpdatePackage
from buildlab.windows.version import NtVersion

_CUMULATIVE = ("monthly-rollup", "cumulative", "preview")
_SECURITY_ONLY = "security-only"


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    concerned = [
        package
        for package in context.packages
        if package.classification in _CUMULATIVE
        and package.windows == context.image.windows
        and _same_files(package, context)
    ]
    if not concerned:
        yield not_applicable("the bundle has no rollup for the Windows of the image")
    for package in concerned:
        judgement = judge(package, context.image)
        if judgement.verdict == "superseded":
            yield RuleOutcome(
                outcome="fail",
                message=f"{called(package)} is superseded on the image: {judgement.because[0]}",
                evidence=judgement.facts or context.installation.identity.because,
                packages=(package.path,),
                remedy="leave it out",
            )
        elif judgement.verdict == "already-installed":
            yield RuleOutcome(
                outcome="pass",
                message=f"{called(package)} is on the image",
                evidence=judgement.facts,
                packages=(package.path,),
            )
        else:
            yield _by_level(context, package)


def _same_files(package: UpdatePackage, context: CheckContext) -> bool:
    """Whether revisions can be compared: packages for the files of another build are another rule's matter."""
    found = context.image.files_build
    return package.windows == NT60 or found is None or build_line(package) in (None, found)


def _by_level(context: CheckContext, package: UpdatePackage) -> RuleOutcome:
    image, version = context.image, _version(package)
    if image.files_build is None or image.revision is None or version is None:
        message = f"whether {called(package)} is newer than the image cannot be told"
        return RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
    brought, found = (version.build, version.revision), (image.files_build, image.revision)
    is_older = brought < found
    message = f"{called(package)} brings {brought[0]}.{brought[1]}, the files of the image are {found[0]}.{found[1]}"
    if is_older and _is_of_security_only(context):
        return RuleOutcome(
            outcome="unknown",
            message=f"{message}, which are of security-only updates: it may bring months that they left out",
            evidence=context.installation.identity.because,
            packages=(package.path,),
        )
    return RuleOutcome(
        outcome="fail" if is_older else "pass",
        message=message,
        observed=f"{brought[0]}.{brought[1]}",
        expected=f"{found[0]}.{found[1]} or above",
        evidence=context.installation.identity.because,
        packages=(package.path,),
        remedy="leave it out" if is_older else None,
    )


def _version(package: UpdatePackage) -> NtVersion | None:
    """The version of the kernel that it brings: its own, else what its identity tells, else the bundled data."""
    if package.kernel is not None:
        return NtVersion.parse(package.kernel)
    identity, line = identity_of(package), build_line(package)
    if identity is not None and identity.nt_version is not None and line is not None:
        return NtVersion(0, 0, line, identity.nt_version.minor)
    known = None if package.kb is None else update_of_kb(package.kb)
    return None if known is None else known.version


def _is_of_security_only(context: CheckContext) -> bool:
    """Whether the newest monthly update on the image is a security-only one, which is not cumulative."""
    table = known_updates()
    months = [(table[kb].month, table[kb].classification) for kb in context.image.kbs if kb in table]
    level = max((month for month, classification in months if classification in _CUMULATIVE), default="")
    return any(month > level for month, classification in months if classification == _SECURITY_ONLY)


OLDER_THAN_IMAGE = Rule(
    id="R12",
    title="Rollups are not older than the image",
    severity="info",
    source="monthly revisions of the bundled data; supersedence of rollups in MSRC's data",
    check=_check,
)
