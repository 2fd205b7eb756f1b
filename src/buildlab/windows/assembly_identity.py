"""Identities of assemblies: components and deployments of the component store, as manifests and folders state them."""

import re
from dataclasses import dataclass

from buildlab.windows.version import NtVersion

_KEY_FORM = re.compile(
    r"(?P<architecture>[a-z0-9]+)_(?P<name>.+)_(?P<token>[0-9a-f]{16}|none)_(?P<version>\d+\.\d+\.\d+\.\d+)"
    r"_(?P<language>[^_]+)_(?P<hash>[0-9a-f]{16})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyIdentity:
    """The attributes of an ``assemblyIdentity`` element as written; empty where one is missing."""

    name: str
    version: str
    architecture: str
    language: str
    public_key_token: str
    version_scope: str = ""
    type: str = ""

    @property
    def nt_version(self) -> NtVersion | None:
        """The version as four numbers."""
        return NtVersion.parse(self.version)

    @property
    def folded(self) -> tuple[str, str, str, str, str]:
        """The key under which two spellings of one identity are equal. ``neutral`` is the same as no language."""
        language = self.language.lower()
        return (
            self.name.lower(),
            self.version,
            self.architecture.lower(),
            "" if language in ("neutral", "*") else language,
            self.public_key_token.lower(),
        )

    def __str__(self) -> str:
        """In the form that Windows writes into logs and the component store's hive."""
        language = self.language or "neutral"
        return (
            f"{self.name}, Culture={language}, Version={self.version}, PublicKeyToken={self.public_key_token}, "
            f"ProcessorArchitecture={self.architecture}, versionScope={self.version_scope or 'SxS'}"
        )


@dataclass(frozen=True, slots=True)
class KeyForm:
    """The name of a component's folder in WinSxS: ``<arch>_<name>_<token>_<version>_<language>_<hash>``.

    Long names are shortened to ``first..last`` by Windows.
    """

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
