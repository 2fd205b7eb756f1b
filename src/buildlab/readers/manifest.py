"""Component and deployment manifests (``.manifest``), namespace ``urn:schemas-microsoft-com:asm.v3``.

Shapes as observed in real packages of Vista to Windows 11: a deployment names the components that are installed
together, a component the files it owns, each with the hash of its content.
"""

import base64
import binascii
from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.assembly import assembly_identity
from buildlab.readers.xml import Element, parse_xml
from buildlab.windows.assembly_identity import AssemblyIdentity

_V3 = "{urn:schemas-microsoft-com:asm.v3}"
_V2 = "{urn:schemas-microsoft-com:asm.v2}"
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file of a component. `destination` is the folder with its macros as written (``$(runtime.system32)``).

    `digest` is in lower-case hexadecimal of `algorithm` (sha1, sha256 …); both are None where the manifest states none.
    """

    name: str
    destination: str | None
    source_name: str | None
    algorithm: str | None
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """An assembly that another needs; `type` is ``install`` for the members of a deployment."""

    identity: AssemblyIdentity
    type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentManifest:
    """A component or, where `deployment` is true, a deployment."""

    identity: AssemblyIdentity
    display_name: str | None
    deployment: bool
    files: tuple[ManifestFile, ...]
    dependencies: tuple[Dependency, ...]


def read_manifest(data: bytes, limits: Limits = DEFAULT_LIMITS) -> ComponentManifest:
    """Parse a manifest in plain text; FormatError where it is no XML, or no assembly with an identity.

    Manifests that begin with ``DCM``, ``DCS`` and the like are deltas, to be decoded first.
    """
    root = parse_xml(data, limits)
    stated = next(root.iterchildren(f"{_V3}assemblyIdentity"), None)
    identity = None if stated is None else assembly_identity(stated)
    if root.tag != f"{_V3}assembly" or identity is None:
        raise FormatError("manifest", "is no assembly with an identity")
    return ComponentManifest(
        identity=identity,
        display_name=root.get("displayName"),
        deployment=next(root.iterchildren(f"{_V3}deployment"), None) is not None,
        files=tuple(_file(element) for element in root.iterchildren(f"{_V3}file") if element.get("name")),
        dependencies=tuple(_dependencies(root)),
    )


def _dependencies(root: Element) -> list[Dependency]:
    return [
        Dependency(identity=identity, type=dependent.get("dependencyType"))
        for dependency in root.iterchildren(f"{_V3}dependency")
        for dependent in dependency.iterchildren(f"{_V3}dependentAssembly")
        for element in dependent.iterchildren(f"{_V3}assemblyIdentity")
        if (identity := assembly_identity(element)) is not None
    ]


def _file(element: Element) -> ManifestFile:
    algorithm, digest = _hash(element)
    return ManifestFile(
        name=element.get("name") or "",
        destination=element.get("destinationPath"),
        source_name=element.get("sourceName"),
        algorithm=algorithm,
        digest=digest,
    )


def _hash(element: Element) -> tuple[str | None, str | None]:
    """Algorithm and digest of a file. A digest that is no Base64, or not as long as its algorithm makes it, is none."""
    stated = next(element.iterchildren(f"{_V2}hash"), None)
    if stated is None:
        return None, None
    method = next(stated.iterchildren(f"{_DSIG}DigestMethod"), None)
    value = next(stated.iterchildren(f"{_DSIG}DigestValue"), None)
    algorithm = "" if method is None else (method.get("Algorithm") or "").rpartition("#")[2].lower()
    try:
        digest = base64.b64decode("".join((value.text or "").split()), validate=True) if value is not None else b""
    except (binascii.Error, ValueError):
        return None, None
    if len(digest) != _DIGEST_BYTES.get(algorithm, -1):
        return None, None
    return algorithm, digest.hex()
