"""An image as far as servicing decides by it, and what installing a package makes of it.

Every step gives a new image; nothing is changed in place, so that plans can be tried and compared.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from buildlab.checks.layered import LayeredMap
from buildlab.knowledge.builds import build_of, build_of_files
from buildlab.knowledge.package_classes import build_of_enablement_package
from buildlab.results.package_set import UpdatePackage
from buildlab.results.scan import Installation, UpdateState
from buildlab.windows.package_identity import PackageIdentity, parse_package_identity
from buildlab.windows.version import NtVersion

Presence = Literal["installed", "superseded", "staged", "pending"]
_PRESENCE: dict[UpdateState, Presence] = {
    "installed": "installed",
    "superseded": "superseded",
    "partially-installed": "installed",
    "staged": "staged",
    "install-pending": "pending",
}
_SERVICING_STACK = "servicing-stack"
_ENABLEMENT = "enablement"
_WAITING = ("install-pending", "uninstall-pending")
_OF_ANOTHER_BUILD = ("enablement", "feature-update", "service-pack")
"""Classes whose packages turn a build into another on purpose."""
_FIRST_BUILD = 1000
"""A cumulative package's version begins with the build (19041.3803.1.10); that of a KB's with 6 or 10."""

FamilyKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Present:
    """One package on the image: its version, how far it is there, and the fact that says so (None: the plan does)."""

    version: NtVersion | None
    presence: Presence
    fact: str | None


@dataclass(frozen=True, slots=True)
class Family:
    """The versions of one package on the image. `newest` is the highest that is installed, `planned` the highest that
    the plan installed, by which it superseded lower ones."""

    versions: LayeredMap[NtVersion | None, Present] = field(default_factory=LayeredMap)
    newest: NtVersion | None = None
    planned: NtVersion | None = None

    def at(self, version: NtVersion | None) -> Present | None:
        """One version, if it is there in whatever state."""
        found = self.versions.get(version)
        if found is None or found.presence != "installed" or version is None or self.planned is None:
            return found
        return replace(found, presence="superseded") if version < self.planned else found

    def every(self) -> tuple[Present, ...]:
        """All versions."""
        return tuple(found for version in self.versions if (found := self.at(version)) is not None)

    def with_present(self, one: Present) -> "Family":
        """The family with one more version; the first of a version counts."""
        if one.version in self.versions:
            return self
        newest = self.newest
        if one.presence == "installed" and one.version is not None and (newest is None or one.version > newest):
            newest = one.version
        return replace(self, versions=self.versions.with_key(one.version, one), newest=newest)

    def with_planned(self, version: NtVersion | None) -> "Family":
        """The family after the plan installed a version of it."""
        newest, planned = (
            found if version is None or (found is not None and found > version) else version
            for found in (self.newest, self.planned)
        )
        return Family(self.versions.with_key(version, Present(version, "installed", None)), newest, planned)


_NO_FAMILY = Family()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageModel:
    """The image. `families` holds the packages by name, architecture and language, lower case; `kbs` the updates that
    are there, superseded ones among them, with the facts that say so.

    `list_is_known` is False where the image's list of packages could not be read: nothing can then be said of what
    is missing. `restart_due` is True where something waits for a restart.
    """

    windows: str | None
    architecture: str | None
    build: int | None
    revision: int | None
    build_lab: str | None
    kernel_build: int | None
    servicing_stack: NtVersion | None
    product_type: str | None
    installation_type: str | None
    families: LayeredMap[FamilyKey, Family] = field(default_factory=LayeredMap)
    kbs: LayeredMap[str, tuple[str, ...]] = field(default_factory=LayeredMap)
    list_is_known: bool = True
    restart_due: bool = False

    @property
    def files_build(self) -> int | None:
        """The build that the image's files carry, the kernel's; under an enablement not the one that it counts as."""
        known = None if self.build is None else build_of_files(self.build)
        return known if self.kernel_build is None else self.kernel_build

    def of_family(self, name: str, architecture: str, language: str) -> Family:
        """The versions of a package that are on the image, in whatever state."""
        return self.families.get(family_key(name, architecture, language), _NO_FAMILY)

    def has_kb(self, kb: str) -> bool:
        """Whether an update is on the image, or was and is superseded."""
        return kb in self.kbs


def family_key(name: str, architecture: str, language: str) -> FamilyKey:
    """The key of a package without its version; ``neutral`` is the same as no language."""
    folded = language.lower()
    return name.lower(), architecture.lower(), "" if folded in ("neutral", "*") else folded


def model_of_installation(installation: Installation) -> ImageModel:
    """The model of an installation that was scanned."""
    identity = installation.identity
    families: dict[FamilyKey, Family] = {}
    for package in installation.packages:
        presence = _PRESENCE.get(package.state)
        name = parse_package_identity(package.identity)
        if presence is None or name is None:
            continue
        key = family_key(name.name, name.architecture, name.language)
        families[key] = families.get(key, _NO_FAMILY).with_present(Present(name.nt_version, presence, package.fact))
    kbs = {
        update.kb: update.because
        for update in installation.updates
        if _PRESENCE.get(update.state) in ("installed", "superseded")
    }
    pending = installation.pending
    kernel = NtVersion.parse_prefix(identity.kernel.file_version or "") if identity.kernel is not None else None
    return ImageModel(
        windows=identity.version,
        architecture=identity.architecture,
        build=identity.build,
        revision=identity.revision,
        build_lab=identity.build_lab,
        kernel_build=None if kernel is None else kernel.build,
        servicing_stack=NtVersion.parse(installation.servicing_stack.version or ""),
        product_type=identity.product_type,
        installation_type=identity.installation_type,
        families=LayeredMap(families),
        kbs=LayeredMap(kbs),
        list_is_known=any(package.state != "unknown" for package in installation.packages),
        restart_due=bool(pending.reboot or pending.packages or pending.sessions or pending.pending_xml)
        or any(package.state in _WAITING for package in installation.packages),
    )


def identity_of(package: UpdatePackage) -> PackageIdentity | None:
    """The identity of a package in its parts."""
    return None if package.identity is None else parse_package_identity(package.identity)


def stack_of_package(package: UpdatePackage) -> NtVersion | None:
    """The servicing stack that a package brings, its highest component; None for a package of another class."""
    if package.classification != _SERVICING_STACK:
        return None
    versions = [NtVersion.parse(component.version) for component in package.components]
    return max((version for version in versions if version is not None), default=None)


def build_line(package: UpdatePackage) -> int | None:
    """The build whose files a package replaces: by its kernel, else by the version of a cumulative package. None for
    one that tells neither, and for one that is there to change the build."""
    if package.classification in _OF_ANOTHER_BUILD:
        return None
    kernel = NtVersion.parse(package.kernel or "")
    if kernel is not None:
        return kernel.build
    identity = identity_of(package)
    version = None if identity is None else identity.nt_version
    return version.major if version is not None and version.major >= _FIRST_BUILD else None


def enabled_build(package: UpdatePackage) -> tuple[int, int] | None:
    """The build that an enablement package enables and the build of files that it does so over; None for a package of
    another class, and for one that is not known."""
    identity = identity_of(package)
    if package.classification != _ENABLEMENT or identity is None:
        return None
    build = build_of_enablement_package(identity.name)
    known = None if build is None else build_of(build)
    return None if known is None or known.enablement_over is None else (known.build, known.enablement_over)


def installed(image: ImageModel, package: UpdatePackage) -> ImageModel:
    """The image after a package and what it contains were installed; lower versions of it are superseded."""
    for inner in package.contains:
        image = installed(image, inner)
    identity = identity_of(package)
    families, kbs = image.families, image.kbs
    if identity is not None:
        key = family_key(identity.name, identity.architecture, identity.language)
        families = families.with_key(key, families.get(key, _NO_FAMILY).with_planned(identity.nt_version))
    if package.kb is not None and package.kb not in kbs:
        kbs = kbs.with_key(package.kb, ())
    stack = stack_of_package(package)
    image = replace(image, families=families, kbs=kbs)
    if stack is not None and (image.servicing_stack is None or stack > image.servicing_stack):
        image = replace(image, servicing_stack=stack)
    return _with_kernel(image, package)


def _with_kernel(image: ImageModel, package: UpdatePackage) -> ImageModel:
    """A newer kernel of the package's replaces that of the image; what is enabled over the same files stays so."""
    enabled = enabled_build(package)
    if enabled is not None and enabled[1] == image.files_build and enabled[0] > (image.build or 0):
        return replace(image, build=enabled[0])
    kernel = NtVersion.parse(package.kernel or "")
    if kernel is None or image.build is None or image.revision is None:
        return image
    same_files = kernel.build == image.files_build
    if (kernel.build, kernel.revision) <= (image.files_build, image.revision):
        return image
    lab = next((one.build_lab for one in package.kernels if one.version == package.kernel and one.build_lab), None)
    build = image.build if same_files else kernel.build
    return replace(image, build=build, revision=kernel.revision, build_lab=lab, kernel_build=kernel.build)
