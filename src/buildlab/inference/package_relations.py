"""How the packages of a set stand to each other: twins, generations, what supersedes what, what is missing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from buildlab.knowledge.requirements import requirements_of_kb
from buildlab.knowledge.updates import superseded_by_chain
from buildlab.results.package_set import PackageRelation, ParentPackage, UpdatePackage
from buildlab.windows.package_identity import PackageIdentity, parse_package_identity
from buildlab.windows.version import NtVersion

_ROLLUP = "package_for_rollupfix"
_FIRST_BUILD = 1000
"""Versions of cumulative updates begin with a build (19041.3803.1.10), those of others with a Windows (6.0.1.9)."""


def relate_packages(packages: tuple[UpdatePackage, ...]) -> tuple[PackageRelation, ...]:
    """Everything worth saying about the set, in the order of the packages."""
    every = tuple(_with_contained(packages))
    return (
        *_duplicates(every),
        *_generations(every),
        *_superseded(every),
        *_architectures(packages),
        *_missing_stack(every),
        *_missing_checkpoints(every),
        *_missing_prerequisites(every),
    )


def _with_contained(packages: Iterable[UpdatePackage]) -> Iterator[UpdatePackage]:
    waiting = [*packages][::-1]
    while waiting:
        package = waiting.pop()
        yield package
        waiting += reversed(package.contains)


def _grouped(
    packages: Iterable[UpdatePackage], key: Callable[[UpdatePackage], object | None]
) -> dict[object, list[UpdatePackage]]:
    groups: dict[object, list[UpdatePackage]] = defaultdict(list)
    for package in packages:
        if (value := key(package)) is not None:
            groups[value].append(package)
    return {value: members for value, members in groups.items() if len(members) > 1}


def _duplicates(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    for members in _grouped(packages, lambda one: one.identity and one.identity.lower()).values():
        yield PackageRelation(
            kind="duplicate",
            message=f"{len(members)} files hold the package {members[0].identity}",
            packages=_paths(members),
        )


def _generations(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """The same update for the same Windows and architecture in more than one version: the catalogue was revised."""
    for members in _grouped(packages, _family).values():
        versions = {identity.version: one for one in members if (identity := _identity(one)) is not None}
        if len(versions) > 1:
            ordered = sorted(versions, key=_sortable, reverse=True)
            yield PackageRelation(
                kind="same-kb-other-version",
                message=f"{members[0].kb} is there in the versions {', '.join(ordered)}; the first is the newest",
                packages=_paths(versions[version] for version in ordered),
            )


def _family(package: UpdatePackage) -> tuple[object, ...] | None:
    """What the versions of one update share. A KB number alone is not enough: one may be for several Windows."""
    identity = _identity(package)
    if package.kb is None or identity is None:
        return None
    line = None if identity.nt_version is None else identity.nt_version.major
    return package.kb, package.windows, line, package.architecture, package.language, identity.name.lower()


def _superseded(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """From versions: a later cumulative package of the same name and build line. From data: the listed chains."""
    identities = [_identity(package) for package in packages]
    by_key: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for number, (package, identity) in enumerate(zip(packages, identities, strict=True)):
        if identity is not None:
            by_key[identity.name.lower(), package.architecture].append(number)
        if package.kb is not None:
            by_key[package.kb, package.architecture].append(number)
    for newer, one in zip(packages, identities, strict=True):
        keys = {*superseded_by_chain(newer.kb or ""), *(() if one is None else (one.name.lower(),))}
        numbers = {number for key in keys for number in by_key.get((key, newer.architecture), ())}
        for number in sorted(numbers):
            older = packages[number]
            reason = None if older is newer else _supersedes(newer, one, older, identities[number])
            if reason is not None:
                yield PackageRelation(
                    kind="supersedes",
                    message=f"{_called(newer)} supersedes {_called(older)}: {reason}",
                    packages=_paths((newer, older)),
                )


def _supersedes(
    newer: UpdatePackage, one: PackageIdentity | None, older: UpdatePackage, other: PackageIdentity | None
) -> str | None:
    if newer.windows is not None and older.windows is not None and newer.windows != older.windows:
        return None
    if other is not None and _builds_on(newer, other):
        return None
    if one is not None and other is not None and newer.classification in ("cumulative", "servicing-stack"):
        same = (one.name.lower(), one.language) == (other.name.lower(), other.language)
        if same and _later(one.nt_version, other.nt_version):
            return f"the same cumulative package, {one.version} over {other.version}"
    if newer.kb is not None and older.kb is not None and older.kb in superseded_by_chain(newer.kb):
        return "in the bundled data"
    return None


def _builds_on(package: UpdatePackage, identity: PackageIdentity) -> bool:
    """Whether one is a parent of the other: a checkpoint is needed, however old."""
    parents = ((parent.name.lower(), parent.version) for parent in package.parents)
    return (identity.name.lower(), identity.version) in parents


def _architectures(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    found: dict[str, list[UpdatePackage]] = defaultdict(list)
    for package in packages:
        if package.architecture is not None:
            found[package.architecture].append(package)
    if len(found) > 1:
        counts = ", ".join(f"{len(members)} for {word}" for word, members in sorted(found.items()))
        yield PackageRelation(
            kind="mixed-architectures",
            message=f"packages of several architectures: {counts}",
            packages=_paths(one for members in found.values() for one in members),
        )


def _missing_stack(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """A package that states a lowest servicing stack which no servicing stack update of the set reaches.

    Versions before those of service packs (6.0.0.0) ask for nothing: every image of that Windows has such a stack.
    """
    stacks: dict[str | None, list[NtVersion]] = defaultdict(list)
    for package in packages:
        if package.classification == "servicing-stack":
            versions = (NtVersion.parse(component.version) for component in package.components)
            stacks[package.architecture] += (version for version in versions if version is not None)
    for package in packages:
        needed = NtVersion.parse(package.minimum_servicing_stack or "")
        if (
            needed is None
            or (needed.build == 0 and needed.revision == 0)
            or package.classification == "servicing-stack"
        ):
            continue
        if not any(stack >= needed and _serves(stack, package) for stack in stacks[package.architecture]):
            yield PackageRelation(
                kind="missing-servicing-stack",
                message=f"{_called(package)} needs servicing stack {needed} or later; the set does not bring it, "
                "so it must be on the image",
                packages=(package.path,),
            )


def _serves(stack: NtVersion, package: UpdatePackage) -> bool:
    """Whether a servicing stack is of the Windows that a package is for, and of its build where its version says it."""
    if package.windows is not None and package.windows != stack.windows:
        return False
    identity = _identity(package)
    version = None if identity is None else identity.nt_version
    return version is None or version.major < _FIRST_BUILD or version.major == stack.build


def _missing_checkpoints(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """A cumulative update whose parent is an earlier one, the checkpoint.

    A later update of the build line brings what the checkpoint does, but not where it builds on that checkpoint itself.
    """
    rollups = [
        (one, identity.nt_version, [version for _, version in _checkpoints(one)])
        for one in packages
        if (identity := _identity(one)) is not None and _is_rollup(identity) and identity.nt_version is not None
    ]
    for package in packages:
        for parent, version in _checkpoints(package):
            reached = (
                own == version or (own > version and own.major == version.major and all(at < version for at in needed))
                for one, own, needed in rollups
                if one is not package and one.architecture == package.architecture
            )
            if not any(reached):
                yield PackageRelation(
                    kind="missing-checkpoint",
                    message=f"{_called(package)} builds on the cumulative update {parent.version}; the set does not "
                    "bring it, so it must be on the image",
                    packages=(package.path,),
                )


def _missing_prerequisites(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """What the bundled data says an update needs. A licence is no package and none of this."""
    present = frozenset(one.kb for one in packages if one.kb is not None)
    for package in packages:
        needed = requirements_of_kb(package.kb) if package.kb is not None else ()
        missing = [one.words for one in needed if one.licence is None and not one.is_met_by(present)]
        if missing:
            yield PackageRelation(
                kind="missing-prerequisite",
                message=f"{_called(package)} needs {'; '.join(missing)} by the bundled data; the set does not bring "
                "it, so it must be on the image",
                packages=(package.path,),
            )


def _checkpoints(package: UpdatePackage) -> list[tuple[ParentPackage, NtVersion]]:
    """The cumulative updates among the parents, with their versions."""
    parents = (parent for parent in package.parents if parent.name.lower() == _ROLLUP)
    return [(parent, version) for parent in parents if (version := NtVersion.parse(parent.version)) is not None]


def _identity(package: UpdatePackage) -> PackageIdentity | None:
    return parse_package_identity(package.identity) if package.identity is not None else None


def _is_rollup(identity: PackageIdentity) -> bool:
    return identity.name.lower() == _ROLLUP


def _later(one: NtVersion | None, other: NtVersion | None) -> bool:
    """Whether one version is the later of two of a build line; that of a cumulative update begins with its build."""
    return one is not None and other is not None and one.major == other.major and one > other


def _sortable(version: str) -> NtVersion:
    return NtVersion.parse(version) or NtVersion(0, 0, 0, 0)


def _called(package: UpdatePackage) -> str:
    if package.kb is None:
        return package.identity or package.path
    return f"{package.kb} {package.architecture}" if package.architecture is not None else package.kb


def _paths(packages: Iterable[UpdatePackage]) -> tuple[str, ...]:
    return tuple(package.path for package in packages)
