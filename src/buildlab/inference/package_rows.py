"""Packages: the registry's record and the manifest of each, joined."""

from dataclasses import dataclass
from typing import Literal, cast

from buildlab.evidence.fact import CbsPackage, ManifestRecord
from buildlab.evidence.ledger import Evidence
from buildlab.knowledge.package_classes import class_of_package_name
from buildlab.results.scan import Package, UpdateState
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.kb import find_kb, kb_of_package_name
from buildlab.windows.package_identity import PackageIdentity, parse_package_identity
from buildlab.windows.states import PackageState, package_state

KbSource = Literal["package-name", "manifest", "install-location", "install-name"]

_HIDDEN = 2
_UNNAMED_UPDATES = ("cumulative", "servicing-stack", "dotnet", "enablement")
"""Classes of packages whose name has no KB, so that the manifest's support address is asked. For others it would be
wrong to: languages and features point to general articles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """One package as reported, with what grouping it into updates needs."""

    package: Package
    is_parent: bool
    kb_source: KbSource | None
    installed_at_source: Literal["InstallTime", "key-last-write"] | None
    title: str | None
    name_class: str | None


def package_rows(evidence: Evidence) -> tuple[PackageRow, ...]:
    """One row for every key in the list of packages; without such a list, one for every manifest, its state unknown."""
    manifests = {manifest.name.lower(): manifest for manifest in evidence.manifests}
    if evidence.packages:
        looked = bool(manifests)
        return tuple(_row(package, manifests.get(package.name.lower()), looked) for package in evidence.packages)
    return tuple(_row_of_manifest(manifest) for manifest in evidence.manifests)


def _row(package: CbsPackage, manifest: ManifestRecord | None, manifests_were_read: bool) -> PackageRow:
    identity = parse_package_identity(package.name)
    state = package_state(package.state) if package.state is not None else None
    name_class = class_of_package_name(identity.name) if identity is not None else None
    kb, kb_source, is_parent = _kb(package, identity, manifest, name_class)
    installed_at, installed_at_source = _installed_at(package, state)
    return PackageRow(
        package=Package(
            identity=package.name,
            name=identity.name if identity is not None else package.name,
            architecture=identity.architecture or None if identity is not None else None,
            language=(identity.language or "neutral") if identity is not None else None,
            version=identity.version or None if identity is not None else None,
            kb=kb,
            state=_word(state),
            state_code=package.state,
            visible=package.visibility != _HIDDEN,
            permanent=state is not None and state.permanent,
            release_type=manifest.release_type if manifest is not None else None,
            install_client=package.install_client,
            install_user=package.install_user,
            install_name=package.install_name,
            installed_at=installed_at,
            last_error=f"{package.last_error:#010x}" if package.last_error else None,
            owners=package.owners,
            unnamed_update=name_class in _UNNAMED_UPDATES,
            manifest=manifest is not None if manifests_were_read else None,
            fact=package.fact.id,
        ),
        is_parent=is_parent,
        kb_source=kb_source,
        installed_at_source=installed_at_source,
        title=manifest.title if manifest is not None else None,
        name_class=name_class,
    )


def _row_of_manifest(manifest: ManifestRecord) -> PackageRow:
    identity = parse_package_identity(manifest.name)
    assert identity is not None
    named = kb_of_package_name(identity.name)
    name_class = class_of_package_name(identity.name)
    from_manifest = manifest.kb if named is None and name_class in _UNNAMED_UPDATES else None
    return PackageRow(
        package=Package(
            identity=manifest.name,
            name=identity.name,
            architecture=identity.architecture or None,
            language=identity.language or "neutral",
            version=identity.version or None,
            kb=named.kb if named is not None else from_manifest,
            state="unknown",
            state_code=None,
            visible=True,
            permanent=False,
            release_type=manifest.release_type,
            install_client=None,
            install_user=None,
            install_name=None,
            installed_at=None,
            last_error=None,
            owners=(),
            unnamed_update=name_class in _UNNAMED_UPDATES,
            manifest=True,
            fact=manifest.fact.id,
        ),
        is_parent=named is None or named.is_parent,
        kb_source="package-name" if named is not None else ("manifest" if from_manifest else None),
        installed_at_source=None,
        title=manifest.title,
        name_class=name_class,
    )


def _word(state: PackageState | None) -> UpdateState:
    return cast(UpdateState, state.word) if state is not None else "unknown"


def _kb(
    package: CbsPackage, identity: PackageIdentity | None, manifest: ManifestRecord | None, name_class: str | None
) -> tuple[str | None, KbSource | None, bool]:
    """The KB, where it was found, and whether the package stands for the whole update."""
    named = kb_of_package_name(identity.name if identity is not None else package.name)
    if named is not None:
        return named.kb, "package-name", named.is_parent
    if name_class not in _UNNAMED_UPDATES:
        return None, None, True
    if manifest is not None and manifest.kb is not None:
        return manifest.kb, "manifest", True
    for source, text in (("install-location", package.install_location), ("install-name", package.install_name)):
        kb = find_kb(text) if text else None
        if kb is not None:
            return kb, cast(KbSource, source), True
    return None, None, True


def _installed_at(
    package: CbsPackage, state: PackageState | None
) -> tuple[str | None, Literal["InstallTime", "key-last-write"] | None]:
    """When it was installed, for states that were installed once; the key's last change is a poor substitute, and
    marked as such."""
    if state is None or state.word not in ("installed", "superseded", "partially-installed", "uninstall-pending"):
        return None, None
    time = from_filetime(package.install_time) if package.install_time else None
    if time is not None:
        return iso_utc(time), "InstallTime"
    written = from_filetime(package.written)
    return (iso_utc(written), "key-last-write") if written is not None else (None, None)
