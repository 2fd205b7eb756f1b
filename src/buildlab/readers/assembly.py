"""The element that manifests of every kind share: ``assemblyIdentity``."""

from buildlab.readers.xml import Element
from buildlab.windows.assembly_identity import AssemblyIdentity


def assembly_identity(element: Element) -> AssemblyIdentity | None:
    """The identity that an ``assemblyIdentity`` element states; None where it has no name."""
    name = element.get("name")
    if not name:
        return None
    return AssemblyIdentity(
        name=name,
        version=element.get("version") or "",
        architecture=element.get("processorArchitecture") or "",
        language=element.get("language") or "",
        public_key_token=element.get("publicKeyToken") or "",
        version_scope=element.get("versionScope") or "",
        type=element.get("type") or "",
    )
