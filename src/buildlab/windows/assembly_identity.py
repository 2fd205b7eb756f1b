"""Key forms of the component store: ``<arch>_<name>_<token>_<version>_<language>_<hash>``."""

import re
from dataclasses import dataclass

from buildlab.windows.version import NtVersion

_KEY_FORM = re.compile(
    r"(?P<architecture>[a-z0-9]+)_(?P<name>.+)_(?P<token>[0-9a-f]{16}|none)_(?P<version>\d+\.\d+\.\d+\.\d+)"
    r"_(?P<language>[^_]+)_(?P<hash>[0-9a-f]{16})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class KeyForm:
    """The name of a component's folder in WinSxS. Long names are shortened to ``first..last`` by Windows."""

    architecture: str
    name: str
    public_key_token: str
    version: NtVersion
    language: str
    hash: str


def parse_key_form(text: str) -> KeyForm | None:
    """Parse a folder name of WinSxS; None for any other folder."""
    match = _KEY_FORM.fullmatch(text)
    version = NtVersion.parse(match["version"]) if match else None
    if match is None or version is None:
        return None
    return KeyForm(
        match["architecture"].lower(),
        match["name"].lower(),
        match["token"].lower(),
        version,
        match["language"].lower(),
        match["hash"].lower(),
    )
