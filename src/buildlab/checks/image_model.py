"""An image as far as servicing decides by it, and what installing a package makes of it.

Every step gives a new image; nothing is changed in place, so that plans can be tried and compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

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
    servicing_stack: NtVersion | None
    product_type: str | None
    installation_type: str | None
    families: Mapping[FamilyKey, tuple[Present, ...]] = field(default_factory=dict)
    kbs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    list_is_known: bool = True
    restart_due: bool = False

    @property
    def files_build(self) -> int | None:
        """The build that the image's files carry; under an enablement package not the one it counts as."""
        return None if self.build is None else build_of_files(self.build)

    def of_family(self, name: str, architecture: str, language: str) -> tuple[Present, ...]:
        """The versions of a package that are on the image, in whatever state."""
        return self.families.get(family_key(name, architecture, language), ())

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
    families: dict[FamilyKey, tuple[Present, ...]] = {}
    for package in installation.packages:
        presence = _PRESENCE.get(package.state)
        name = parse_package_identity(package.identity)
        if presence is None or name is None:
            continue
        key = family_key(name.name, name.architecture, name.language)
        families[key] = (*families.get(key, ()), Present(name.nt_version, presence, package.fact))
    kbs = {
        update.kb: update.because
        for update in installation.updates
        if _PRESENCE.get(update.state) in ("installed", "superseded")
    }
    pending = installation.pending
    return ImageModel(
        windows=identity.version,
        architecture=identity.architecture,
        build=identity.build,
        revision=identity.revision,
        build_lab=identity.build_lab,
        servicing_stack=NtVersion.parse(installation.servicing_stack.version or ""),
        product_type=identity.product_type,
        installation_type=identity.installation_type,
        families=MappingProxyType(families),
        kbs=MappingProxyType(kbs),
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
    families = dict(image.families)
    if identity is not None:
        key = family_key(identity.name, identity.architecture, identity.language)
        older = (
            replace(one, presence="superseded") if one.presence == "installed" else one for one in families.get(key, ())
        )
        families[key] = (*older, Present(identity.nt_version, "installed", None))
    kbs = dict(image.kbs)
    if package.kb is not None:
        kbs.setdefault(package.kb, ())
    stack = stack_of_package(package)
    image = replace(image, families=MappingProxyType(families), kbs=MappingProxyType(kbs))
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
    return replace(image, build=build, revision=kernel.revision, build_lab=lab)
