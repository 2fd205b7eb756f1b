"""In which order a bundle is installed, by trying it on the model: each step changes the image, and the next package is
judged on that.

The order of the bundle does not matter: of the packages that may be installed next, the one that comes first by class,
then by age, then by name is taken. A package that lacks something is looked at again when that is installed, so that
the work grows with the number of packages and of what they need, and a circle of needs just never comes up.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from buildlab.checks.applicability import Judgement, judge
from buildlab.checks.image_model import ImageModel, family_key, identity_of, installed, stack_of_package
from buildlab.knowledge.updates import superseded_by_chain, update_of_kb
from buildlab.results.package_set import UpdatePackage
from buildlab.windows.version import NtVersion

_ORDER = ("service-pack", "servicing-stack", "sha2", "esu-preparation")
"""Classes that come before all others, in this order."""
_RESTART_AFTER = ("service-pack", "sha2", "esu-preparation")
"""Classes after which the image restarts before the next package, whatever their manifests say."""
_NO_VERSION = NtVersion(0, 0, 0, 0)
_STACK = "servicing-stack"


@dataclass(frozen=True, slots=True)
class Step:
    """A package of the bundle that is installed; `restart_after` says that the image restarts before the next one."""

    package: UpdatePackage
    judgement: Judgement
    restart_after: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is installed in which order, what becomes of the others, and the image at the end."""

    steps: tuple[Step, ...]
    others: tuple[tuple[UpdatePackage, Judgement], ...]
    image: ImageModel


def make_plan(image: ImageModel, packages: Sequence[UpdatePackage]) -> Plan:
    """Install all that can be installed; the others keep the verdict that they have on the image at the end."""
    ranked = sorted(distinct_packages(packages), key=_rank)
    ready = list(range(len(ranked)))
    asleep: dict[Hashable, set[int]] = defaultdict(set)
    left = set(ready)
    steps: list[Step] = []
    while ready:
        number = heappop(ready)
        if number not in left:
            continue
        package = ranked[number]
        judgement = judge(package, image)
        if judgement.verdict == "applicable":
            left.remove(number)
            image = installed(image, package)
            steps.append(Step(package, judgement, _restarts(package)))
            for key in _provided(package):
                for woken in asleep.pop(key, ()):
                    heappush(ready, woken)
        else:
            for key in _wanted(package, judgement):
                asleep[key].add(number)
    others = tuple((ranked[number], judge(ranked[number], image)) for number in sorted(left))
    return Plan(tuple(steps), others, image)


def smallest_plan(image: ImageModel, plan: Plan) -> Plan:
    """The plan with as few packages as reach the same: what another step supersedes is left out, unless something needs
    it first. Each try is made from the beginning; what turns out to be missing is taken back."""
    packages = [step.package for step in plan.steps]
    superseded = _superseded(packages)
    kept = [package for package in packages if package.path not in superseded]
    dropped = {package.path: package for package in packages if package.path in superseded}
    while True:
        tried = make_plan(image, kept)
        wanted = {key for package, judgement in tried.others for key in _wanted(package, judgement)}
        needed = [package for package in dropped.values() if not wanted.isdisjoint(_provided(package))]
        if not needed and not _reaches(tried.image, plan.image):
            needed = list(dropped.values())
        if not needed:
            return tried
        for package in needed:
            kept.append(dropped.pop(package.path))


def comes_first(package: UpdatePackage) -> bool:
    """Whether a package is of a class that comes before all others."""
    return package.classification in _ORDER


def distinct_packages(packages: Iterable[UpdatePackage]) -> list[UpdatePackage]:
    """One package for each identity, the one whose path comes first; those without an identity all."""
    found: dict[str, UpdatePackage] = {}
    for package in sorted(packages, key=lambda one: one.path):
        found.setdefault((package.identity or package.path).lower(), package)
    return list(found.values())


def _rank(package: UpdatePackage) -> tuple[int, str, NtVersion, str, str]:
    """Servicing first, then older before newer, then by name: the same for every order of the bundle."""
    classification = package.classification or ""
    place = _ORDER.index(classification) if classification in _ORDER else len(_ORDER)
    known = None if package.kb is None else update_of_kb(package.kb)
    identity = identity_of(package)
    version = stack_of_package(package) or (None if identity is None else identity.nt_version) or _NO_VERSION
    date = known.date if known is not None else (package.created or "")[:10]
    return place, date, version, (package.identity or "").lower(), package.path


def _restarts(package: UpdatePackage) -> bool:
    return package.classification in _RESTART_AFTER or (package.restart or "").lower() == "required"


def _provided(package: UpdatePackage) -> set[Hashable]:
    """The keys under which others may be waiting for this package and what it contains."""
    keys: set[Hashable] = set()
    for one in (package, *package.contains):
        identity = identity_of(one)
        if identity is not None:
            keys.add(family_key(identity.name, identity.architecture, identity.language))
        if one.kb is not None:
            keys.add(one.kb)
        if one.classification == _STACK:
            keys.add(_STACK)
    return keys


def _wanted(package: UpdatePackage, judgement: Judgement) -> set[Hashable]:
    """The keys of what a package lacks; none for one that nothing can help."""
    if not judgement.needs:
        return set()
    families = {family_key(parent.name, parent.architecture, parent.language) for parent in package.parents}
    return {*families, *(kb for need in judgement.needs for kb in need.kbs), _STACK}


def _superseded(packages: list[UpdatePackage]) -> frozenset[str]:
    """Paths of those that another supersedes: by a later version of the same package, or by the bundled data."""
    newest: dict[Hashable, NtVersion] = {}
    chains: set[str] = set()
    for package in packages:
        key, version = _family_and_version(package)
        newest[key] = max(newest.get(key, _NO_VERSION), version)
        if package.kb is not None:
            chains |= superseded_by_chain(package.kb)
    found: set[str] = set()
    for package in packages:
        key, version = _family_and_version(package)
        if version < newest[key] or package.kb in chains:
            found.add(package.path)
    return frozenset(found)


def _family_and_version(package: UpdatePackage) -> tuple[Hashable, NtVersion]:
    identity = identity_of(package)
    if identity is None:
        return package.path, _NO_VERSION
    key = family_key(identity.name, identity.architecture, identity.language)
    return key, identity.nt_version or _NO_VERSION


def _reaches(found: ImageModel, wanted: ImageModel) -> bool:
    return (found.build, found.revision, found.servicing_stack) == (
        wanted.build,
        wanted.revision,
        wanted.servicing_stack,
    )
