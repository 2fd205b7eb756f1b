"""The bundle does not contradict itself or the image.

The same package twice, one update in two versions, or a servicing stack that is older than the image's: harmless for
Windows, which takes the newest, and a sign that the bundle was put together by mistake.
"""

from collections import defaultdict
from collections.abc import Iterator

from buildlab.checks.image_model import FamilyKey, family_key, identity_of, stack_of_package
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.results.package_set import UpdatePackage
from buildlab.windows.version import NtVersion


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    found = [*_twice(context.packages), *_versions(context.packages), *_old_stacks(context)]
    if not context.packages:
        yield not_applicable("there is no bundle")
    elif not found:
        yield RuleOutcome(outcome="pass", message="the bundle holds every update once, and no stack that is older")
    yield from found


def _twice(packages: tuple[UpdatePackage, ...]) -> Iterator[RuleOutcome]:
    groups: dict[str, list[UpdatePackage]] = defaultdict(list)
    for package in packages:
        if package.identity is not None:
            groups[package.identity.lower()].append(package)
    for members in groups.values():
        if len(members) > 1:
            yield _contradiction(f"{called(members[0])} is in {len(members)} files", members)


def _versions(packages: tuple[UpdatePackage, ...]) -> Iterator[RuleOutcome]:
    groups: dict[tuple[str, FamilyKey], dict[str, UpdatePackage]] = defaultdict(dict)
    for package in packages:
        identity = identity_of(package)
        if package.kb is not None and identity is not None:
            family = family_key(identity.name, identity.architecture, identity.language)
            groups[package.kb, family].setdefault(identity.version, package)
    for (kb, _), versions in groups.items():
        if len(versions) > 1:
            ordered = ", ".join(sorted(versions, key=_sortable))
            yield _contradiction(f"{kb} is there in the versions {ordered}", [*versions.values()])


def _sortable(version: str) -> tuple[NtVersion, str]:
    return NtVersion.parse(version) or NtVersion(0, 0, 0, 0), version


def _old_stacks(context: CheckContext) -> Iterator[RuleOutcome]:
    found = context.image.servicing_stack
    for package in context.packages:
        brought = stack_of_package(package)
        if brought is not None and found is not None and brought < found:
            yield RuleOutcome(
                outcome="fail",
                message=f"{called(package)} brings servicing stack {brought}, the image has {found}",
                observed=str(brought),
                expected=f"{found} or later",
                evidence=context.installation.servicing_stack.because,
                packages=(package.path,),
                remedy="leave it out",
            )


def _contradiction(message: str, members: list[UpdatePackage]) -> RuleOutcome:
    paths = tuple(member.path for member in members)
    return RuleOutcome(
        outcome="fail", message=message, packages=paths, remedy="keep the newest and leave the others out"
    )


CONTRADICTORY_PACKAGES = Rule(
    id="R21",
    title="The bundle does not contradict itself",
    severity="warn",
    source="identities of the packages",
    check=_check,
)
