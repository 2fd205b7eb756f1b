"""The answer file beside the cabinet of an MSU: which packages it installs, and from which file."""

from dataclasses import dataclass

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.assembly import assembly_identity
from buildlab.readers.xml import parse_xml
from buildlab.windows.assembly_identity import AssemblyIdentity

_NS = "{urn:schemas-microsoft-com:unattend}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnattendPackage:
    """One package to be serviced. `source` is the name of the file alone, without the folder it is stated in."""

    action: str | None
    identity: AssemblyIdentity | None
    source: str | None


def read_unattend(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[UnattendPackage, ...] | None:
    """The packages of an answer file; None for another XML document, FormatError for what is no XML."""
    root = parse_xml(data, limits)
    if root.tag != f"{_NS}unattend":
        return None
    found: list[UnattendPackage] = []
    for servicing in root.iterchildren(f"{_NS}servicing"):
        for package in servicing.iterchildren(f"{_NS}package"):
            identity = next(package.iterchildren(f"{_NS}assemblyIdentity"), None)
            source = next(package.iterchildren(f"{_NS}source"), None)
            location = "" if source is None else source.get("location") or ""
            found.append(
                UnattendPackage(
                    action=package.get("action"),
                    identity=None if identity is None else assembly_identity(identity),
                    source=location.replace("/", "\\").rpartition("\\")[2] or None,
                )
            )
    return tuple(found)
