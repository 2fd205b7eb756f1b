"""Packages: the registry's record and the manifest of each, joined."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypedDict, cast

from buildlab.evidence.fact import CbsPackage, Fact, ManifestRecord
from buildlab.evidence.ledger import Evidence
from buildlab.inference.package_kb import UNNAMED_UPDATES, KbNames, PackageKb
from buildlab.inference.package_oddities import PackageOddities
from buildlab.inference.package_tree import PackageTree
from buildlab.inference.supersedence import PackageFamilies
from buildlab.knowledge.error_codes import error_code
from buildlab.knowledge.package_classes import class_of_package_name, class_of_release_type, kind_of_package_name
from buildlab.results.scan import KbConfidence, KbSource, Package, PackageClass, Side, UpdateState
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.package_identity import PackageIdentity, parse_package_identity
from buildlab.windows.states import PackageState, package_state

_HIDDEN = 2
_PERMANENT = "permanent"
_CLASSES: tuple[PackageClass, ...] = (
    "cumulative",
    "servicing-stack",
    "service-pack",
    "language-pack",
    "feature-on-demand",
    "enablement",
)
_WAS_INSTALLED = ("installed", "superseded", "partially-installed", "uninstall-pending")
_NOT_INSTALLED = ("absent", "resolving", "resolved", "staging", "staged", "broken", "unknown")


class _Fields(TypedDict):
    """The fields of a package that do not come from its own key."""

    identity: str
    name: str
    architecture: str | None
    language: str | None
    version: str | None
    kb: str | None
    kb_source: KbSource | None
    kb_confidence: KbConfidence | None
    kb_candidates: tuple[str, ...]
    revision: int | None
    release_type: str | None
    unnamed_update: bool
    package_class: PackageClass
    parents: tuple[str, ...]
    twin: str | None
    applies_to: tuple[Side, ...]
    restart: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """One package as reported, with what grouping it into updates needs. `kb_fact` states the KB where the package's
    own fact does not."""

    package: Package
    is_parent: bool
    kb_fact: Fact | None
    installed_at_source: Literal["InstallTime", "key-last-write"] | None
    title: str | None
    name_class: str | None


def package_rows(evidence: Evidence) -> tuple[PackageRow, ...]:
    """One row for every key in the list of packages; without such a list, one for every manifest, its state unknown."""
    rows = tuple(_rows(evidence))
    families = PackageFamilies([row.package for row in rows])
    return tuple(_with_successor(row, families) for row in rows)


def _with_successor(row: PackageRow, families: PackageFamilies) -> PackageRow:
    successor = families.successor(row.package)
    if successor is None:
        return row
    return replace(row, package=replace(row.package, superseded_by=successor.identity))


def _rows(evidence: Evidence) -> Iterator[PackageRow]:
    names, tree = KbNames(evidence), PackageTree(evidence)
    if not evidence.packages:
        for manifest in evidence.manifests:
            yield _row_of_manifest(manifest, names, tree)
        return
    manifests = {manifest.name.lower(): manifest for manifest in evidence.manifests}
    oddities = PackageOddities(evidence.packages)
    for package in evidence.packages:
        identity = parse_package_identity(package.name)
        manifest_of_it = manifests.get(package.name.lower())
        common = _Common(package.name, identity, package, manifest_of_it, names, tree)
        yield _row(package, common, oddities, looked_for_manifests=bool(manifests))


class _Common:
    """What is said of a package whether the registry lists it or there is only its manifest."""

    def __init__(
        self,
        name: str,
        identity: PackageIdentity | None,
        package: CbsPackage | None,
        manifest: ManifestRecord | None,
        names: KbNames,
        tree: PackageTree,
    ) -> None:
        self.identity, self.manifest = identity, manifest
        self.place = tree.place_of(name)
        self.name_class = class_of_package_name(identity.name) if identity is not None else None
        self.named = names.of_package(package, name, identity, manifest, self.name_class)
        release_type = manifest.release_type if manifest is not None else None
        self.fields: _Fields = {
            "identity": name,
            "name": identity.name if identity is not None else name,
            "architecture": identity.architecture or None if identity is not None else None,
            "language": (identity.language or "neutral") if identity is not None else None,
            "version": identity.version or None if identity is not None else None,
            "kb": self.named.kb,
            "kb_source": self.named.source,
            "kb_confidence": self.named.confidence,
            "kb_candidates": self.named.candidates,
            "revision": self.named.revision,
            "release_type": release_type,
            "unnamed_update": self.name_class in UNNAMED_UPDATES,
            "package_class": _class(identity, self.name_class, release_type, self.named),
            "parents": self.place.parents,
            "twin": self.place.twin,
            "applies_to": self.place.applies_to,
            "restart": manifest.restart if manifest is not None else None,
        }

    def row(
        self, package: Package, installed_at_source: Literal["InstallTime", "key-last-write"] | None = None
    ) -> PackageRow:
        return PackageRow(
            package=package,
            is_parent=self.named.is_parent,
            kb_fact=self.named.fact,
            installed_at_source=installed_at_source,
            title=self.manifest.title if self.manifest is not None else None,
            name_class=self.name_class,
        )


def _row(package: CbsPackage, common: _Common, oddities: PackageOddities, *, looked_for_manifests: bool) -> PackageRow:
    state = package_state(package.state) if package.state is not None else None
    word: UpdateState = cast(UpdateState, state.word) if state is not None else "unknown"
    installed_at, installed_at_source = _installed_at(package, state)
    error = error_code(package.last_error) if package.last_error else None
    return common.row(
        Package(
            **common.fields,
            state=word,
            state_code=package.state,
            visible=package.visibility != _HIDDEN,
            permanent=state is not None and state.permanent,
            install_client=package.install_client,
            install_user=package.install_user,
            install_name=package.install_name,
            installed_at=installed_at,
            last_error=f"{package.last_error:#010x}" if package.last_error else None,
            last_error_name=error.name if error is not None else None,
            last_error_meaning=error.meaning if error is not None else None,
            leftover=bool(package.last_error) and not package.owners and word in _NOT_INSTALLED,
            owners=package.owners,
            removable=_removable(state, common.manifest),
            manifest=common.manifest is not None if looked_for_manifests else None,
            oddities=oddities.of_package(package, common.identity, common.place.in_circle),
            fact=package.fact.id,
        ),
        installed_at_source,
    )


def _row_of_manifest(manifest: ManifestRecord, names: KbNames, tree: PackageTree) -> PackageRow:
    common = _Common(manifest.name, parse_package_identity(manifest.name), None, manifest, names, tree)
    return common.row(
        Package(
            **common.fields,
            state="unknown",
            state_code=None,
            visible=True,
            permanent=False,
            install_client=None,
            install_user=None,
            install_name=None,
            installed_at=None,
            last_error=None,
            owners=(),
            manifest=True,
            fact=manifest.fact.id,
        )
    )


def _class(
    identity: PackageIdentity | None, name_class: str | None, release_type: str | None, named: PackageKb
) -> PackageClass:
    """By the name, then the release type; what else has a KB is an update. What has neither is a part of Windows."""
    by_type = class_of_release_type(release_type) if release_type else None
    for word in (name_class, by_type):
        if word in _CLASSES:
            return word
    if named.kb is not None or name_class is not None:
        return "update"
    kind = kind_of_package_name(identity.name) if identity is not None else None
    return cast(PackageClass, kind) if kind is not None else "other"


def _removable(state: PackageState | None, manifest: ManifestRecord | None) -> bool | None:
    """Of an installed package: False where its state or its manifest says that it stays; None where nothing tells."""
    if state is None or not state.is_installed:
        return None
    if state.permanent:
        return False
    if manifest is None:
        return None
    return (manifest.permanence or "").lower() != _PERMANENT


def _installed_at(
    package: CbsPackage, state: PackageState | None
) -> tuple[str | None, Literal["InstallTime", "key-last-write"] | None]:
    """When it was installed, for states that were installed once; the key's last change is a poor substitute, and
    marked as such."""
    if state is None or state.word not in _WAS_INSTALLED:
        return None, None
    time = from_filetime(package.install_time) if package.install_time else None
    if time is not None:
        return iso_utc(time), "InstallTime"
    written = from_filetime(package.written)
    return (iso_utc(written), "key-last-write") if written is not None else (None, None)
