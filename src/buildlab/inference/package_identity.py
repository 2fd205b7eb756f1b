"""Which of a package's manifests speaks for the whole, and what it is called: KB, Windows, architecture."""

from typing import NamedTuple

from buildlab.evidence.package_content import Mum, PackageContent, PackageManifest
from buildlab.inference.package_names import windows_number
from buildlab.knowledge.builds import build_of, builds
from buildlab.results.package_set import KbSource
from buildlab.windows.architecture import Architecture, from_cbs_word, from_pe_machine
from buildlab.windows.kb import find_kb, kb_of_package_name
from buildlab.windows.version import NtVersion

_WHOLE = "update.mum"
_TWIN = "_bf"
"""Ending of the manifests that bring the same files for a computer on which hotfixes are preferred."""


class KbName(NamedTuple):
    """A KB number and where it was read."""

    kb: str
    source: KbSource


def main_manifest(content: PackageContent) -> PackageManifest | None:
    """The manifest of the package as a whole.

    ``update.mum`` where there is one; else the package that the answer file installs; else the one that no other
    brings, of several the one with a KB in its name that is no member's; None where the package has no manifest.
    """
    by_identity = {manifest.mum.head.identity.folded: manifest for manifest in content.manifests}
    for manifest in content.manifests:
        if manifest.file.lower() == _WHOLE:
            return manifest
    for installed in content.installs:
        for manifest in content.manifests:
            identity = manifest.mum.head.identity
            if installed.identity is not None and identity.name.lower() == installed.identity.name.lower():
                return manifest
    brought = {member.identity.folded for manifest in by_identity.values() for member in manifest.mum.packages}
    free = [manifest for key, manifest in by_identity.items() if key not in brought]
    return min(free or list(content.manifests), key=_rank, default=None)


def _rank(manifest: PackageManifest) -> tuple[bool, bool, str]:
    name = manifest.mum.head.identity.name
    found = kb_of_package_name(name)
    return name.lower().endswith(_TWIN), found is None or not found.is_parent, name.lower()


def kb_of_package(mum: Mum | None, content: PackageContent, file_name: str) -> KbName | None:
    """The KB, from the package's name, then what its manifest says, then its properties, then the name of its file."""
    if mum is not None:
        named = kb_of_package_name(mum.head.identity.name)
        if named is not None:
            return KbName(named.kb, "package-name")
        if mum.head.kb is not None:
            return KbName(mum.head.kb, "manifest")
    if content.legacy is not None and content.legacy.inf.kb is not None:
        return KbName(content.legacy.inf.kb, "update-inf")
    if content.properties is not None and content.properties.kb is not None:
        return KbName(content.properties.kb, "package-properties")
    in_name = find_kb(file_name)
    return None if in_name is None else KbName(in_name, "file-name")


def windows_of_package(mum: Mum | None, content: PackageContent) -> str | None:
    """``6.0``, ``6.1`` … ``10.0``: from the versions of its parents, its own version, then its properties.

    The version of a ``Package_for_RollupFix`` begins with a build (26100.1742.1.10), that of a KB's package with the
    version of Windows (6.0.1.9). None where parents are of several versions of Windows.
    """
    if mum is not None:
        parents = {
            found
            for requirement in mum.parents
            for parent in requirement.any_of
            if (found := _windows_of_version(parent.nt_version)) is not None
        }
        if parents:
            return parents.pop() if len(parents) == 1 else None
        own = _windows_of_version(mum.head.identity.nt_version)
        if own is not None:
            return own
    build = None if content.legacy is None else content.legacy.inf.min_build or content.legacy.inf.max_build
    if build is not None:
        return f"{build.major}.{build.minor}"
    stated = None if content.properties is None else content.properties.get("Applies to")
    number = (stated or "").rpartition(" ")[2]
    return windows_number(number) if number.replace(".", "", 1).isdigit() and "." in number else None


def _windows_of_version(version: NtVersion | None) -> str | None:
    if version is None:
        return None
    by_build = build_of(version.major)
    if by_build is not None:
        return by_build.windows
    return version.windows if version.windows in {build.windows for build in builds().values()} else None


def architecture_of_package(mum: Mum | None, content: PackageContent) -> Architecture | None:
    """The architecture that the manifest states; of an update from before manifests that of the files it installs, then
    what its INF states. None for neutral packages, and where nothing tells."""
    if mum is not None:
        return from_cbs_word(mum.head.identity.architecture)
    if content.legacy is None:
        return None
    machines = {from_pe_machine(machine) for _, machine in content.legacy.machines} - {None}
    return machines.pop() if len(machines) == 1 else content.legacy.inf.stated_architecture
