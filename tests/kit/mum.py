"""Package manifests (`.mum`) in the shape servicing writes them: namespace asm.v3, one package, its parents and its
updates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

MICROSOFT_TOKEN = "31bf3856ad364e35"
NAMESPACE = "urn:schemas-microsoft-com:asm.v3"


@dataclass(frozen=True, slots=True)
class Identity:
    """A package or assembly identity. `language` "neutral" is written empty in the `~` form, as CBS does."""

    name: str
    version: str
    architecture: str = "amd64"
    language: str = "neutral"
    token: str = MICROSOFT_TOKEN

    @property
    def text(self) -> str:
        """`Name~token~architecture~language~version`, the name of the CBS key and (with `.mum`) of the file."""
        language = "" if self.language == "neutral" else self.language
        return f"{self.name}~{self.token}~{self.architecture}~{language}~{self.version}"


@dataclass(frozen=True, slots=True)
class Parent:
    """A condition on other packages: any one of `identities` in at least the state `disposition` satisfies it."""

    identities: tuple[Identity, ...]
    disposition: str = "detect"
    integrate: str = "separate"
    compare: dict[str, str] = field(default_factory=dict)
    """`buildCompare`, `serviceCompare`, `revisionCompare` and their operators ("EQ", "GE")."""


@dataclass(frozen=True, slots=True)
class Component:
    """A deployment an update installs. With `elevate` ("install" GDR, "revision" LDR) it applies where the components
    `replaces` are staged, which is how one package serves both branches of NT 6.0."""

    identity: Identity
    elevate: str | None = None
    replaces: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """One `update`: nested packages, or a component, each optional."""

    name: str
    packages: tuple[Identity, ...] = ()
    component: Component | None = None
    integrate: str = "hidden"


def write_mum(
    identity: Identity,
    *,
    display_name: str | None = None,
    description: str | None = None,
    support_information: str | None = None,
    company: str | None = "Microsoft Corporation",
    created: str | None = None,
    identifier: str | None = None,
    release_type: str | None = "Update",
    restart: str | None = None,
    permanence: str | None = None,
    applicability: str | None = None,
    parents: Sequence[Parent] = (),
    installer: Identity | None = None,
    updates: Sequence[Update] = (),
    package_size: int | None = None,
    features: Sequence[str] = (),
) -> bytes:
    """The UTF-8 XML of one `.mum`. Attributes whose argument is None are left out.

    `created` becomes `creationTimeStamp` and `lastUpdateTimeStamp` (ISO 8601); `package_size` adds the
    `packageExtended` element of Windows 8 and later, whose namespace is then declared on the package; `features` are
    written as `declareCapability` names.
    """
    assembly = _attributes(
        xmlns=NAMESPACE,
        manifestVersion="1.0",
        description=description,
        displayName=display_name,
        company=company,
        copyright=company,
        supportInformation=support_information,
        creationTimeStamp=created,
        lastUpdateTimeStamp=created,
    )
    package = _attributes(
        identifier=identifier,
        applicabilityEvaluation=applicability,
        releaseType=release_type,
        restart=restart,
        permanence=permanence,
    )
    lines = ['<?xml version="1.0" encoding="utf-8" standalone="yes"?>', f"<assembly{assembly}>"]
    lines.append("  " + _identity(identity))
    lines.append(f"  <package{package}>")
    for parent in parents:
        attributes = _attributes(**parent.compare, integrate=parent.integrate, disposition=parent.disposition)
        lines.append(f"    <parent{attributes}>")
        lines += ["      " + _identity(candidate, release=True) for candidate in parent.identities]
        lines.append("    </parent>")
    if installer is not None:
        lines.append("    " + _identity(installer, "installerAssembly"))
    if features:
        lines.append("    <declareCapability>")
        lines += [f"      <capability><capabilityIdentity{_attributes(name=name)} /></capability>" for name in features]
        lines.append("    </declareCapability>")
    for update in updates:
        lines += _update(update)
    if package_size is not None:
        extended = _attributes(packageSize=str(package_size), completelyOfflineCapable="yes")
        lines.append(f'    <mum2:packageExtended xmlns:mum2="urn:schemas-microsoft-com:asm.v3"{extended} />')
    lines += ["  </package>", "</assembly>", ""]
    return "\r\n".join(lines).encode()


def _update(update: Update) -> list[str]:
    lines = [f"    <update{_attributes(name=update.name)}>"]
    for identity in update.packages:
        lines.append(f"      <package{_attributes(integrate=update.integrate)}>")
        lines += ["        " + _identity(identity), "      </package>"]
    if update.component is not None:
        part = update.component
        if part.elevate is not None:
            lines.append('      <applicable disposition="staged">')
            lines.append(f"        <updateComponent{_attributes(elevate=part.elevate)}>")
            lines += ["          " + _identity(replaced, release=True) for replaced in part.replaces]
            lines += ["        </updateComponent>", "      </applicable>"]
        lines += ["      <component>", "        " + _identity(part.identity, release=True), "      </component>"]
    return [*lines, "    </update>"]


def _identity(identity: Identity, element: str = "assemblyIdentity", *, release: bool = False) -> str:
    """An identity element; `release` adds the two attributes that references (not the package itself) carry."""
    attributes = _attributes(
        name=identity.name,
        version=identity.version,
        language=identity.language,
        processorArchitecture=identity.architecture,
        publicKeyToken=identity.token,
        buildType="release" if release else None,
        versionScope="nonSxS" if release or element != "assemblyIdentity" else None,
    )
    return f"<{element}{attributes} />"


def _attributes(**values: str | None) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items() if value is not None)
