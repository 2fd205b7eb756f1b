"""CBS package identities: ``Name~PublicKeyToken~Architecture~Language~Version``."""

from dataclasses import dataclass

from buildlab.windows.version import NtVersion

ANY_VERSION = "0.0.0.0"
"""The version of an identity that stands for all versions of a package."""


@dataclass(frozen=True, slots=True)
class PackageIdentity:
    """The five fields as written. An empty `language` is neutral. Names compare without regard to case."""

    name: str
    public_key_token: str
    architecture: str
    language: str
    version: str

    @property
    def nt_version(self) -> NtVersion | None:
        """The version as four numbers. That of a KB package (6.0.1.6) is no version of Windows."""
        return NtVersion.parse(self.version)

    @property
    def folded(self) -> str:
        """The key under which two spellings of one identity are equal."""
        return str(self).lower()

    def __str__(self) -> str:
        return f"{self.name}~{self.public_key_token}~{self.architecture}~{self.language}~{self.version}"


def parse_package_identity(text: str) -> PackageIdentity | None:
    """Split `text` at its last four tildes (a name may hold some itself); None where it has fewer."""
    fields = text.rsplit("~", 4)
    if len(fields) != 5 or not fields[0]:
        return None
    return PackageIdentity(*fields)
