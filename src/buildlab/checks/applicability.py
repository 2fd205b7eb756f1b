"""May one package be installed on an image as it is now: a model of component-based servicing, rule after rule.

Servicing itself decides by detection rules that lie in the image's component store; what is decided here by the names
and versions of parents is marked as estimated.
"""

from dataclasses import dataclass

from buildlab.checks.image_model import Family, ImageModel, build_line, identity_of
from buildlab.knowledge.requirements import requirements_of_kb
from buildlab.knowledge.updates import NT60, superseding_by_chain
from buildlab.results.check import BundleVerdict
from buildlab.results.package_set import ParentPackage, UpdatePackage
from buildlab.windows.kb import find_kb
from buildlab.windows.version import NtVersion

_REACHES: dict[str, frozenset[str]] = {
    "installed": frozenset({"installed"}),
    "staged": frozenset({"installed", "superseded", "staged", "pending"}),
}
ANY_STACK = "servicing stack update"
"""Stands among the KBs of a need that any update of the servicing stack may meet."""
_CUMULATIVE = "cumulative"
_DETECT = frozenset({"installed", "superseded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that a package lacks; `kbs` are updates that would provide it, none where no update does."""

    words: str
    kbs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on one package and why. `needs` are what it lacks, `facts` what of the image it rests on."""

    verdict: BundleVerdict
    because: tuple[str, ...]
    estimated: bool = False
    needs: tuple[Need, ...] = ()
    facts: tuple[str, ...] = ()


def judge(package: UpdatePackage, image: ImageModel) -> Judgement:
    """The verdict on a package for an image as it is now. What waits for a restart does not count here."""
    for decide in (_unreadable, _other_machine, _present, _superseded_on_image):
        decided = decide(package, image)
        if decided is not None:
            return decided
    if not image.list_is_known:
        return Judgement(verdict="unknown", because=("the image's list of packages could not be read",))
    needs = (*_parent_needs(package, image), *_stack_needs(package, image), *_listed_needs(package, image))
    if not needs:
        return Judgement(verdict="applicable", because=_reasons(package), estimated=bool(package.parents))
    missing = any(need.kbs for need in needs)
    return Judgement(
        verdict="missing-prerequisite" if missing else "not-applicable",
        because=tuple(need.words for need in needs),
        estimated=True,
        needs=needs,
    )


def _reasons(package: UpdatePackage) -> tuple[str, ...]:
    if not package.parents:
        return ("architecture and Windows are the image's, and the package names no parent",)
    return ("architecture and Windows are the image's, and a parent of every group is there",)


def _unreadable(package: UpdatePackage, _: ImageModel) -> Judgement | None:
    if package.identity is not None:
        return None
    return Judgement(verdict="unknown", because=("the package's manifest could not be read",))


def _other_machine(package: UpdatePackage, image: ImageModel) -> Judgement | None:
    """Another architecture, another Windows or, but for NT 6.0 whose updates change it, another build; None too where
    either side does not say."""
    line = None if package.windows in (None, NT60) else build_line(package)
    for what, wanted, found in (
        ("architecture", package.architecture, image.architecture),
        ("Windows version", package.windows, image.windows),
        ("build", line, image.files_build),
    ):
        if wanted is not None and found is not None and wanted != found:
            return Judgement(
                verdict="not-applicable", because=(f"it is for the {what} {wanted}, the image has {found}",)
            )
    return None


def _family(package: UpdatePackage, image: ImageModel) -> Family:
    identity = identity_of(package)
    return Family() if identity is None else image.of_family(identity.name, identity.architecture, identity.language)


def _present(package: UpdatePackage, image: ImageModel) -> Judgement | None:
    identity = identity_of(package)
    version = None if identity is None else identity.nt_version
    same = _family(package, image).at(version)
    if same is None or same.presence == "staged":
        return None
    facts = () if same.fact is None else (same.fact,)
    if same.presence == "pending":
        return Judgement(
            verdict="already-installed", because=("it is on the image and waits for a restart",), facts=facts
        )
    if same.presence == "superseded":
        return Judgement(verdict="superseded", because=("it is on the image and superseded there",), facts=facts)
    return Judgement(verdict="already-installed", because=("it is installed on the image",), facts=facts)


def _superseded_on_image(package: UpdatePackage, image: ImageModel) -> Judgement | None:
    """A later version of the same package, or an update that supersedes it by the bundled data, is installed."""
    identity = identity_of(package)
    version = None if identity is None else identity.nt_version
    family = _family(package, image)
    if version is not None and family.newest is not None and family.newest > version:
        later = family.at(family.newest)
        facts = () if later is None or later.fact is None else (later.fact,)
        return Judgement(verdict="superseded", because=(f"version {family.newest} of it is installed",), facts=facts)
    if package.kb is None:
        return None
    if package.kb in image.kbs and not family.versions:
        return Judgement(
            verdict="already-installed", because=(f"{package.kb} is on the image",), facts=image.kbs[package.kb]
        )
    newer = sorted(superseding_by_chain(package.kb) & image.kbs.keys())
    if newer:
        because = (f"{newer[-1]}, which is on the image, supersedes it by the bundled data",)
        return Judgement(verdict="superseded", because=because, facts=image.kbs[newer[-1]])
    return None


def _parent_needs(package: UpdatePackage, image: ImageModel) -> tuple[Need, ...]:
    """One need for each group of parents none of which is there."""
    needs: list[Need] = []
    for group in sorted({parent.any_of for parent in package.parents}):
        alternatives = [parent for parent in package.parents if parent.any_of == group]
        if any(_is_there(parent, image) or _is_passed(parent, package, image) for parent in alternatives):
            continue
        kbs = frozenset(kb for parent in alternatives if (kb := find_kb(parent.name.replace("_", " "))) is not None)
        names = ", ".join(f"{parent.name} {parent.version}" for parent in alternatives[:4])
        more = f" or one of {len(alternatives) - 4} more" if len(alternatives) > 4 else ""
        needs.append(Need(words=f"no parent of it is on the image: {names}{more}", kbs=kbs))
    return tuple(needs)


def _is_there(parent: ParentPackage, image: ImageModel) -> bool:
    wanted = NtVersion.parse(parent.version)
    reach = _REACHES.get((parent.disposition or "").lower(), _DETECT)
    family = image.of_family(parent.name, parent.architecture, parent.language)
    if wanted is not None and not _operators(parent):
        same = family.at(wanted)
        return same is not None and same.presence in reach
    return any(one.presence in reach and _compares(parent, one.version, wanted) for one in family.every())


def _is_passed(parent: ParentPackage, package: UpdatePackage, image: ImageModel) -> bool:
    """Whether the parent is an earlier version of a cumulative package, its checkpoint, and a later one is there: that
    one could not be there without it."""
    identity, wanted = identity_of(package), NtVersion.parse(parent.version)
    if package.classification != _CUMULATIVE or identity is None or identity.name.lower() != parent.name.lower():
        return False
    newest = image.of_family(parent.name, parent.architecture, parent.language).newest
    return newest is not None and wanted is not None and newest >= wanted


def _operators(parent: ParentPackage) -> tuple[str | None, ...]:
    """How the parts of the version compare; none where the manifest does not say, which asks for the stated one."""
    operators = (parent.build_compare, parent.service_compare, parent.revision_compare)
    return operators if any(operators) else ()


def _compares(parent: ParentPackage, found: NtVersion | None, wanted: NtVersion | None) -> bool:
    """Whether the version found is one that the manifest takes; a manifest that states none takes every one."""
    operators = _operators(parent)
    if found is None or wanted is None or not operators:
        return wanted is None
    if (found.major, found.minor) != (wanted.major, wanted.minor):
        return False
    return _holds(operators[0], found.build, wanted.build) and all(
        _holds(operator, found.revision, wanted.revision) for operator in operators[1:] if operator is not None
    )


def _holds(operator: str | None, found: int, wanted: int) -> bool:
    match (operator or "EQ").upper():
        case "GE":
            return found >= wanted
        case "GT":
            return found > wanted
        case "LE":
            return found <= wanted
        case "LT":
            return found < wanted
        case "NE":
            return found != wanted
        case _:
            return found == wanted


def _stack_needs(package: UpdatePackage, image: ImageModel) -> tuple[Need, ...]:
    """A servicing stack that is too old. That a package states 6.0.0.0 asks for nothing."""
    wanted = NtVersion.parse(package.minimum_servicing_stack or "")
    found = image.servicing_stack
    if wanted is None or found is None or found >= wanted:
        return ()
    return (Need(words=f"it needs servicing stack {wanted}, the image has {found}", kbs=frozenset({ANY_STACK})),)


def _listed_needs(package: UpdatePackage, image: ImageModel) -> tuple[Need, ...]:
    """What the bundled data says it needs. A licence no image proves, so that it is none of these. One KB may be an
    update for several versions of Windows, and the data is of one."""
    if package.kb is None or package.windows not in (None, NT60):
        return ()
    return tuple(
        Need(words=f"{package.kb} needs {needed.words} by the bundled data", kbs=needed.kbs)
        for needed in requirements_of_kb(package.kb)
        if needed.licence is None and not any(image.has_kb(kb) for kb in needed.kbs)
    )
