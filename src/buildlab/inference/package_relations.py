"""How the packages of a set stand to each other: twins, generations, what supersedes what, what is missing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from buildlab.knowledge.requirements import requirements_of_kb
from buildlab.knowledge.updates import superseded_by_chain
from buildlab.results.package_set import PackageRelation, UpdatePackage
from buildlab.windows.package_identity import PackageIdentity, parse_package_identity
from buildlab.windows.version import NtVersion

_ROLLUP = "package_for_rollupfix"


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
    waiting = list(packages)
    while waiting:
        package = waiting.pop(0)
        yield package
        waiting = [*package.contains, *waiting]


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
    """The same update for the same architecture in more than one version: the catalogue was revised."""
    for members in _grouped(packages, lambda one: one.kb and (one.kb, one.architecture, one.language)).values():
        versions = {identity.version: one for one in members if (identity := _identity(one)) is not None}
        if len(versions) > 1:
            ordered = sorted(versions, key=_sortable, reverse=True)
            yield PackageRelation(
                kind="same-kb-other-version",
                message=f"{members[0].kb} is there in the versions {', '.join(ordered)}; the first is the newest",
                packages=_paths(versions[version] for version in ordered),
            )


def _superseded(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """From versions: a later cumulative package of the same name and build line. From data: the listed chains."""
    for newer in packages:
        for older in packages:
            if newer is older or newer.architecture != older.architecture:
                continue
            reason = _supersedes(newer, older)
            if reason is not None:
                yield PackageRelation(
                    kind="supersedes",
                    message=f"{_called(newer)} supersedes {_called(older)}: {reason}",
                    packages=_paths((newer, older)),
                )


def _supersedes(newer: UpdatePackage, older: UpdatePackage) -> str | None:
    one, other = _identity(newer), _identity(older)
    cumulative = newer.classification in ("cumulative", "servicing-stack")
    same = one is not None and other is not None and one.name.lower() == other.name.lower()
    if other is not None and _builds_on(newer, other):
        return None
    if one is not None and other is not None and cumulative and same and _later(one.nt_version, other.nt_version):
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
    for package in packages:
        needed = NtVersion.parse(package.minimum_servicing_stack or "")
        if (
            needed is None
            or (needed.build == 0 and needed.revision == 0)
            or package.classification == "servicing-stack"
        ):
            continue
        stacks = [
            NtVersion.parse(component.version)
            for other in packages
            if other.classification == "servicing-stack" and other.architecture == package.architecture
            for component in other.components
        ]
        if not any(stack is not None and stack >= needed for stack in stacks):
            yield PackageRelation(
                kind="missing-servicing-stack",
                message=f"{_called(package)} needs servicing stack {needed} or later; the set does not bring it, "
                "so it must be on the image",
                packages=(package.path,),
            )


def _missing_checkpoints(packages: tuple[UpdatePackage, ...]) -> Iterator[PackageRelation]:
    """A cumulative update whose parent is an earlier one, the checkpoint."""
    rollups = [(one, identity) for one in packages if (identity := _identity(one)) is not None and _is_rollup(identity)]
    for package in packages:
        for parent in package.parents:
            version = NtVersion.parse(parent.version)
            if parent.name.lower() != _ROLLUP or version is None:
                continue
            reached = (
                other.nt_version is not None
                and other.nt_version >= version
                and one.architecture == package.architecture
                for one, other in rollups
                if one is not package
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


def _identity(package: UpdatePackage) -> PackageIdentity | None:
    return parse_package_identity(package.identity) if package.identity is not None else None


def _is_rollup(identity: PackageIdentity) -> bool:
    return identity.name.lower() == _ROLLUP


def _later(one: NtVersion | None, other: NtVersion | None) -> bool:
    return one is not None and other is not None and one > other


def _sortable(version: str) -> NtVersion:
    return NtVersion.parse(version) or NtVersion(0, 0, 0, 0)


def _called(package: UpdatePackage) -> str:
    if package.kb is None:
        return package.identity or package.path
    return f"{package.kb} {package.architecture}" if package.architecture is not None else package.kb


def _paths(packages: Iterable[UpdatePackage]) -> tuple[str, ...]:
    return tuple(package.path for package in packages)
