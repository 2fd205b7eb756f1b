"""Every deliberate exception. A message says what is wrong and where; ``hint`` says what to try next.

Anything that escapes and is not a `BuildlabError` is a bug of ours.
"""

from typing import ClassVar, Literal

ErrorKind = Literal[
    "unknown-format",
    "encrypted",
    "missing-parent",
    "truncated",
    "damaged",
    "limit",
    "no-installation",
    "not-found",
    "permission",
]


class BuildlabError(Exception):
    """Base of all errors raised on purpose.

    `kind` is the word that the JSON output gives for it, `path` the file it happened in (inside the target where
    there is one), `offset` a byte offset in that file.
    """

    kind: ClassVar[ErrorKind] = "damaged"

    def __init__(
        self, message: str, *, path: str | None = None, offset: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        where = ""
        if self.path is not None:
            where += f"{self.path}: "
        at = "" if self.offset is None else f" (at offset {self.offset:#x})"
        hint = "" if self.hint is None else f"; {self.hint}"
        return f"{where}{self.message}{at}{hint}"


class SourceError(BuildlabError):
    """A path, container, volume or file system could not be read."""

    kind: ClassVar[ErrorKind] = "damaged"


class PathNotFoundError(SourceError):
    """The target, a part of it, or a file in it does not exist."""

    kind: ClassVar[ErrorKind] = "not-found"


class AccessDeniedError(SourceError):
    """The operating system refused to let us read a file of the host."""

    kind: ClassVar[ErrorKind] = "permission"


class TruncatedError(SourceError):
    """The evidence ends before the data that its own structures promise."""

    kind: ClassVar[ErrorKind] = "truncated"


class UnknownFormatError(SourceError):
    """The content is none of the formats that can be read, or one that is recognised and not supported."""

    kind: ClassVar[ErrorKind] = "unknown-format"


class UnsupportedContentError(UnknownFormatError):
    """A format or feature that is recognised by name and cannot be read."""


class EncryptedVolumeError(SourceError):
    """The volume is encrypted."""

    kind: ClassVar[ErrorKind] = "encrypted"


class MissingParentError(SourceError):
    """A differencing disk whose parent is missing or is another disk."""

    kind: ClassVar[ErrorKind] = "missing-parent"


class LimitExceededError(SourceError):
    """A bound of `limits.Limits` was reached."""

    kind: ClassVar[ErrorKind] = "limit"


class FormatError(BuildlabError, ValueError):
    """Bytes do not have the structure that their format requires.

    `format` names the format ("hive", "pe", ...), `reason` what is wrong; `offset` is in bytes from the start of the
    data that the reader was given.
    """

    def __init__(self, format: str, reason: str, *, offset: int | None = None, path: str | None = None) -> None:
        super().__init__(f"{format}: {reason}", offset=offset, path=path)
        self.format = format
        self.reason = reason


class PolicyError(BuildlabError):
    """A policy file that cannot be used."""


class StoreError(BuildlabError):
    """The inventory database cannot be used."""
