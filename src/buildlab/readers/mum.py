"""Package manifests (``.mum``), namespace ``urn:schemas-microsoft-com:asm.v3``; shapes as observed in real packages."""

from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.assembly import assembly_identity
from buildlab.readers.xml import Element, parse_xml
from buildlab.windows.assembly_identity import AssemblyIdentity
from buildlab.windows.kb import find_kb, kb_of_support_url
from buildlab.windows.package_identity import PackageIdentity

_NS = "{urn:schemas-microsoft-com:asm.v3}"
_IDENTITY = f"{_NS}assemblyIdentity"
_STACK = "microsoft-windows-servicingstack"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentRequirement:
    """One ``parent`` element: any one of `any_of` satisfies it.

    `disposition` is what must hold of the parent (detect, staged, installed …); the three compares say how the build,
    service and revision parts of its version are compared (EQ, GE …), None where the manifest does not say.
    """

    any_of: tuple[PackageIdentity, ...]
    disposition: str | None
    integrate: str | None
    build_compare: str | None
    service_compare: str | None
    revision_compare: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPackage:
    """A package that this one contains, under the name of the update that brings it."""

    update: str
    identity: PackageIdentity
    integrate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberComponent:
    """A component, deployment or driver of the component store that the package brings.

    `update` is the name of the update that brings it; in real packages it ends in ``_GDR`` or ``_LDR`` where the
    package carries both branches of a file. `kind` is ``component`` or ``driver``.
    """

    update: str
    kind: str
    identity: AssemblyIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """The feature on demand that a package declares itself to be."""

    name: str
    version: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicableComponent:
    """A component whose presence decides whether an update applies (``updateComponent``, ``detectUpdate``)."""

    update: str
    rule: str
    disposition: str | None
    elevate: str | None
    identity: PackageIdentity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MumHead:
    """What a package manifest says of the package itself. Texts are as written; None where an attribute is missing."""

    identity: PackageIdentity
    identifier: str | None
    release_type: str | None
    restart: str | None
    permanence: str | None
    display_name: str | None
    description: str | None
    support_url: str | None
    created: str | None
    servicing_stack: str | None = None
    """The lowest version of the servicing stack that may install the package."""
    offline_capable: str | None = None
    """``yes``, ``no`` or ``undetermined``, where the manifest says whether an image can be serviced offline with it."""

    @property
    def kb(self) -> str | None:
        """The KB that the manifest names: in its identifier, then in its support address."""
        named = find_kb(self.identifier) if self.identifier else None
        return named or (kb_of_support_url(self.support_url) if self.support_url else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MumLinks:
    """The head of a package manifest, and how the package stands to other packages."""

    head: MumHead
    parents: tuple[ParentRequirement, ...]
    packages: tuple[MemberPackage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mum:
    """A whole package manifest: its head, and how the package stands to others."""

    head: MumHead
    parents: tuple[ParentRequirement, ...]
    packages: tuple[MemberPackage, ...]
    applicability: tuple[ApplicableComponent, ...]
    components: tuple[MemberComponent, ...] = ()
    capability: Capability | None = None


def read_mum(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Mum:
    """Parse a package manifest; FormatError where it is no XML or has no identity."""
    root = parse_xml(data, limits)
    package = _child(root, "package")
    return Mum(
        head=_head(root, package),
        parents=() if package is None else tuple(_parents(package)),
        packages=() if package is None else tuple(_members(package)),
        applicability=() if package is None else tuple(_applicability(package)),
        components=() if package is None else tuple(_components(package)),
        capability=None if package is None else _capability(package),
    )


def read_mum_links(data: bytes, limits: Limits = DEFAULT_LIMITS) -> MumLinks:
    """The head and the links of a package manifest, for an inventory of thousands; errors as `read_mum`."""
    root = parse_xml(data, limits)
    package = _child(root, "package")
    return MumLinks(
        head=_head(root, package),
        parents=() if package is None else tuple(_parents(package)),
        packages=() if package is None else tuple(_members(package)),
    )


def _child(element: Element, name: str) -> Element | None:
    return next(element.iterchildren(f"{_NS}{name}"), None)


def _head(root: Element, package: Element | None) -> MumHead:
    identity_element = _child(root, "assemblyIdentity")
    identity = None if identity_element is None else _identity(identity_element)
    if root.tag != f"{_NS}assembly" or identity is None:
        raise FormatError("mum", "is no assembly with an identity")
    get = root.get if package is None else package.get
    return MumHead(
        identity=identity,
        identifier=get("identifier"),
        release_type=get("releaseType"),
        restart=get("restart"),
        permanence=get("permanence"),
        display_name=root.get("displayName"),
        description=root.get("description"),
        support_url=root.get("supportInformation"),
        created=root.get("creationTimeStamp"),
        servicing_stack=None if package is None else _servicing_stack(package),
        offline_capable=None if package is None else _offline_capable(package),
    )


def _servicing_stack(package: Element) -> str | None:
    installers = package.iterchildren(f"{_NS}installerAssembly")
    return next((one.get("version") for one in installers if (one.get("name") or "").lower() == _STACK), None)


def _offline_capable(package: Element) -> str | None:
    extended = _child(package, "packageExtended")
    return None if extended is None else extended.get("completelyOfflineCapable")


def _identity(element: Element) -> PackageIdentity | None:
    """The identity in an element's attributes; a language of ``neutral`` is the empty one of identity strings."""
    name = element.get("name")
    if not name:
        return None
    language = element.get("language") or ""
    return PackageIdentity(
        name,
        element.get("publicKeyToken") or "",
        element.get("processorArchitecture") or "",
        "" if language.lower() == "neutral" else language,
        element.get("version") or "",
    )


def _identities(element: Element) -> tuple[PackageIdentity, ...]:
    found = (_identity(child) for child in element.iterchildren(_IDENTITY))
    return tuple(identity for identity in found if identity is not None)


def _parents(package: Element) -> list[ParentRequirement]:
    return [
        ParentRequirement(
            any_of=_identities(element),
            disposition=element.get("disposition"),
            integrate=element.get("integrate"),
            build_compare=element.get("buildCompare"),
            service_compare=element.get("serviceCompare"),
            revision_compare=element.get("revisionCompare"),
        )
        for element in package.iterchildren(f"{_NS}parent")
    ]


def _members(package: Element) -> list[MemberPackage]:
    return [
        MemberPackage(update=update.get("name") or "", identity=identity, integrate=member.get("integrate"))
        for update in package.iterchildren(f"{_NS}update")
        for member in update.iterchildren(f"{_NS}package")
        for identity in _identities(member)
    ]


def _components(package: Element) -> list[MemberComponent]:
    return [
        MemberComponent(update=update.get("name") or "", kind=kind, identity=identity)
        for update in package.iterchildren(f"{_NS}update")
        for kind in ("component", "driver")
        for member in update.iterchildren(f"{_NS}{kind}")
        for element in member.iterchildren(_IDENTITY)
        if (identity := assembly_identity(element)) is not None
    ]


def _capability(package: Element) -> Capability | None:
    path = ("declareCapability", "capability", "capabilityIdentity")
    element: Element | None = package
    for step in path:
        element = None if element is None else _child(element, step)
    if element is None:
        return None
    return Capability(
        name=element.get("name") or "", version=element.get("version") or "", language=element.get("language") or ""
    )


def _applicability(package: Element) -> list[ApplicableComponent]:
    found: list[ApplicableComponent] = []
    for update in package.iterchildren(f"{_NS}update"):
        for applicable in update.iterchildren(f"{_NS}applicable"):
            for rule in applicable:
                if not isinstance(rule.tag, str):
                    continue
                found.append(
                    ApplicableComponent(
                        update=update.get("name") or "",
                        rule=rule.tag.rpartition("}")[2],
                        disposition=applicable.get("disposition"),
                        elevate=rule.get("elevate"),
                        identity=next(iter(_identities(rule)), None),
                    )
                )
    return found
