"""What the name of a package file claims, and whether the content bears it out."""

import re
from dataclasses import dataclass

from buildlab.results.package_set import FindingKind, PackageFinding
from buildlab.windows.architecture import Architecture, from_cbs_word
from buildlab.windows.kb import find_kb

_WINDOWS = re.compile(r"windows(?P<version>\d{1,2}\.\d)-", re.IGNORECASE)
_ARCHITECTURE = re.compile(r"-(?P<word>x86|x64|amd64|ia64|arm64|arm)(?=[-_.]|$)", re.IGNORECASE)
_SHA1 = re.compile(r"_(?P<digest>[0-9a-f]{40})(?=[._]|$)", re.IGNORECASE)
_MARKETED = {"8.0": "6.2", "8.1": "6.3", "11.0": "10.0"}
"""Files of Windows 8, 8.1 and 11 are called after the product (``windows8.1-``), not after its version number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameClaims:
    """What a file name says; None where it does not. The SHA-1 is the one that Microsoft's catalogue puts in it."""

    kb: str | None
    windows: str | None
    architecture: Architecture | None
    sha1: str | None


def windows_number(stated: str) -> str:
    """The version number of the Windows that files and properties call by this number: 6.3 for ``8.1``."""
    return _MARKETED.get(stated, stated)


def claims_of_name(name: str) -> NameClaims:
    """The claims of a file's name, as in ``windows6.0-kb4493471-x64_<sha1>.msu``."""
    windows = _WINDOWS.search(name)
    architecture = _ARCHITECTURE.search(name)
    digest = _SHA1.search(name)
    return NameClaims(
        kb=find_kb(name),
        windows=None if windows is None else windows_number(windows["version"]),
        architecture=None if architecture is None else from_cbs_word(architecture["word"]),
        sha1=None if digest is None else digest["digest"].lower(),
    )


def check_name(
    name: str, *, kb: str | None, windows: str | None, architecture: str | None, sha1: str | None
) -> tuple[PackageFinding, ...]:
    """A finding for each claim of the name that the content contradicts. What the content does not tell (None)
    contradicts nothing."""
    claims = claims_of_name(name)
    compared: tuple[tuple[FindingKind, str, str | None, str | None], ...] = (
        ("name-states-other-kb", "KB number", claims.kb, kb),
        ("name-states-other-windows", "Windows version", claims.windows, windows),
        ("name-states-other-architecture", "architecture", claims.architecture, architecture),
        ("name-states-other-hash", "SHA-1", claims.sha1, sha1),
    )
    return tuple(
        PackageFinding(
            kind=kind,
            message=f"the file's name states the {what} {stated}, its content has {found}",
            observed=found,
            expected=str(stated),
        )
        for kind, what, stated, found in compared
        if stated is not None and found is not None and stated != found
    )
