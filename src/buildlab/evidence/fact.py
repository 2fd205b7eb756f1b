"""The vocabulary of evidence: facts, gaps, integrity, and the package records of Component Based Servicing."""

from dataclasses import dataclass
from typing import Literal

from buildlab.errors import (
    BuildlabError,
    EncryptedVolumeError,
    FormatError,
    PathNotFoundError,
    UnsupportedContentError,
)

FactValue = str | int | bool | None | tuple[str, ...]
GapKind = Literal["missing", "unreadable", "unparsable", "unsupported", "not-applicable"]
IntegrityCheck = Literal[
    "hive-checksum",
    "hive-sequence",
    "hive-log",
    "vhdx-log",
    "gpt",
    "wim-integrity",
    "ewf-hash",
    "ntfs-dirty",
    "hibernated",
]
IntegrityOutcome = Literal["ok", "replayed", "not-replayed", "damaged", "not-checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value was read: a file of the evidence, and the part of it.

    `key` and `value_name` are those of the registry, `offset` in bytes from the start of the file, `written` the last
    change of the key (UTC), `method` how it was read.
    """

    path: str
    method: str
    part: str | None = None
    key: str | None = None
    value_name: str | None = None
    offset: int | None = None
    written: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value and its place."""

    id: str
    subject: str
    value: FactValue
    source: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A fact that could not be had, and why."""

    subject: str
    kind: GapKind
    path: str | None
    reason: str

    @property
    def makes_partial(self) -> bool:
        """True when evidence that exists could not be used."""
        return self.kind in ("unreadable", "unparsable", "unsupported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The outcome of one check of the evidence itself."""

    path: str
    check: IntegrityCheck
    outcome: IntegrityOutcome
    detail: str


def gap_kind(error: BuildlabError) -> GapKind:
    """Which of the five answers an error stands for."""
    if isinstance(error, PathNotFoundError):
        return "missing"
    if isinstance(error, UnsupportedContentError | EncryptedVolumeError):
        return "unsupported"
    if isinstance(error, FormatError):
        return "unparsable"
    return "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CbsPackage:
    """One key under ``Component Based Servicing\\Packages``, its values as stored.

    Times are FILETIMEs; `fact` is the fact of its CurrentState, and of the key itself where that value is missing.
    """

    name: str
    fact: Fact
    state: int | None
    visibility: int | None
    install_client: str | None
    install_user: str | None
    install_name: str | None
    install_location: str | None
    install_time: int | None
    last_error: int | None
    self_update: int | None
    trusted: int | None
    written: int
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRecord:
    """What the ``.mum`` of one package says, as far as an inventory needs it; `fact` gives its place."""

    name: str
    fact: Fact
    kb: str | None
    title: str | None
    release_type: str | None
    support_url: str | None
    restart: str | None
    permanence: str | None
    requires: tuple[str, ...] = ()
    """Names of the packages of which it needs one to be there."""
    members: tuple[str, ...] = ()
    """Identities of the packages that it contains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionName:
    """What the client of a servicing session called a package: a KB, mostly. `fact` gives its place."""

    identity: str
    kb: str
    client: str | None
    fact: Fact
