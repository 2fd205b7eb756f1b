"""How the packages of an installation stand to each other: which contains which, twins, the products they are for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

from buildlab.evidence.fact import CbsPackage, ManifestRecord
from buildlab.evidence.ledger import Evidence
from buildlab.knowledge.package_sides import side_of_package_name
from buildlab.results.scan import Side
from buildlab.windows.package_identity import parse_package_identity

_TWIN = re.compile(r"_bf$", re.IGNORECASE)
_ORDER: tuple[Side, ...] = ("client", "server", "server-core", "windows-pe")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePlace:
    """One package in the tree; identities as they are listed."""

    parents: tuple[str, ...] = ()
    twin: str | None = None
    applies_to: tuple[Side, ...] = ()
    in_circle: bool = False


class PackageTree:
    """The packages by their folded names, with the parents of each: by the owners that the registry lists and by the
    members that manifests list."""

    def __init__(self, evidence: Evidence) -> None:
        self._listed: dict[str, str] = {}
        for package in evidence.packages or evidence.manifests:
            self._listed.setdefault(package.name.lower(), package.name)
        self._manifests = {manifest.name.lower(): manifest for manifest in evidence.manifests}
        self._detected_by = evidence.detected_by
        self._parents = self._find_parents(evidence.packages, evidence.manifests)
        self._sides: dict[str, frozenset[str]] = {}
        self._circles: set[str] = set()

    def _find_parents(
        self, packages: Iterable[CbsPackage], manifests: Iterable[ManifestRecord]
    ) -> dict[str, dict[str, None]]:
        found: dict[str, dict[str, None]] = {}
        for package in packages:
            child = package.name.lower()
            for owner in package.owners:
                if (parent := owner.lower()) in self._listed and parent != child:
                    found.setdefault(child, {})[parent] = None
        for manifest in manifests:
            parent = manifest.name.lower()
            for member in manifest.members:
                if (child := member.lower()) in self._listed and child != parent and parent in self._listed:
                    found.setdefault(child, {})[parent] = None
        return found

    def place_of(self, name: str) -> TreePlace:
        """Where a package stands. A circle of owners is cut where it closes."""
        key = name.lower()
        sides = self._sides_of(key)
        return TreePlace(
            parents=tuple(self._listed[parent] for parent in self._parents.get(key, ())),
            twin=self._twin(name),
            applies_to=tuple(side for side in _ORDER if side in sides),
            in_circle=key in self._circles,
        )

    def _twin(self, name: str) -> str | None:
        identity = parse_package_identity(name)
        if identity is None or not _TWIN.search(identity.name):
            return None
        return self._listed.get(str(replace(identity, name=_TWIN.sub("", identity.name))).lower())

    def _sides_of(self, key: str) -> frozenset[str]:
        """Depth first with a stack of its own: a package's side is what its name tells, then what its manifest needs,
        then those of all its parents; none when one of the parents is for everything."""
        if key not in self._parents:
            return self._sides.setdefault(key, self._own_side(key))
        stack = [(key, iter(self._parents.get(key, ())))]
        open_keys = {key}
        while stack:
            top, parents = stack[-1]
            if top not in self._sides and (own := self._own_side(top)):
                self._sides[top] = own
            if top not in self._sides:
                waiting = next((one for one in parents if one not in self._sides), None)
                if waiting is not None and waiting in open_keys:
                    self._circles.add(top)
                    continue
                if waiting is not None:
                    stack.append((waiting, iter(self._parents.get(waiting, ()))))
                    open_keys.add(waiting)
                    continue
                known = [self._sides[one] for one in self._parents.get(top, ()) if one in self._sides]
                self._sides[top] = frozenset().union(*known) if known and all(known) else frozenset()
            stack.pop()
            open_keys.discard(top)
        return self._sides[key]

    def _own_side(self, key: str) -> frozenset[str]:
        side = side_of_package_name(key.split("~", 1)[0])
        if side is not None:
            return frozenset((side,))
        manifest = self._manifests.get(key)
        names = self._detected_by.get(key, ()) if manifest is None else manifest.requires
        needed = [side_of_package_name(name) for name in names]
        return frozenset(cast(list[str], needed)) if needed and None not in needed else frozenset()
