"""Which package or update replaced another one."""

from bisect import bisect_right
from collections.abc import Sequence

from buildlab.knowledge.updates import superseding_by_chain, update_of_kb
from buildlab.results.scan import Package, UpdateState
from buildlab.windows.kb import kb_number
from buildlab.windows.version import NtVersion

_SUCCESSORS: tuple[UpdateState, ...] = ("installed", "install-pending", "partially-installed", "superseded")
"""States of a package that can have replaced another; of several versions the best state counts, then the nearest."""


class PackageFamilies:
    """The packages of an installation by name, architecture and language: the versions of each family that has a
    superseded one."""

    def __init__(self, packages: Sequence[Package]) -> None:
        self._families: dict[tuple[str, str, str], dict[UpdateState, list[tuple[NtVersion, Package]]]] = {
            _family(package): {} for package in packages if package.state == "superseded"
        }
        for package in packages:
            states = self._families.get(_family(package)) if package.state in _SUCCESSORS else None
            version = NtVersion.parse(package.version or "") if states is not None else None
            if states is not None and version is not None:
                states.setdefault(package.state, []).append((version, package))
        for states in self._families.values():
            for versions in states.values():
                versions.sort(key=_version)

    def successor(self, package: Package) -> Package | None:
        """The package that replaced a superseded one: of one name with a higher version; installed ones come first."""
        version = NtVersion.parse(package.version or "") if package.state == "superseded" else None
        if version is None:
            return None
        states = self._families.get(_family(package), {})
        for state in _SUCCESSORS:
            versions = states.get(state, [])
            place = bisect_right(versions, version, key=_version)
            if place < len(versions):
                return versions[place][1]
        return None


def _version(one: tuple[NtVersion, Package]) -> NtVersion:
    return one[0]


def _family(package: Package) -> tuple[str, str, str]:
    return package.name.lower(), (package.architecture or "").lower(), (package.language or "").lower()


def superseding_updates(kb: str, present: frozenset[str]) -> tuple[str, ...]:
    """The updates that the bundled data says supersede `kb` and that are `present`, the nearest first."""
    return tuple(sorted(superseding_by_chain(kb) & present, key=_age))


def successors_of_update(
    kb: str, packages: Sequence[Package], present: frozenset[str], by_identity: dict[str, Package]
) -> tuple[str, ...]:
    """What replaced an update: the KBs of the packages that replaced its own, or their identities, then the chain. A
    higher version of the update's own package is the same update."""
    found: dict[str, None] = {}
    for package in packages:
        successor = by_identity.get((package.superseded_by or "").lower())
        if successor is not None and successor.kb != kb:
            found[successor.kb or successor.identity] = None
    found |= dict.fromkeys(superseding_updates(kb, present))
    return tuple(found)


def _age(kb: str) -> tuple[str, int]:
    known = update_of_kb(kb)
    return (known.date if known is not None else "", kb_number(kb))
