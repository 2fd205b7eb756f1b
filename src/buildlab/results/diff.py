"""What differs between two images, or two sets of packages. The JSON form is this model, field by field."""

from dataclasses import dataclass
from typing import Literal

from buildlab.results.scan import Exit, ScanError, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffSide:
    """One of the two that are compared: where it is, what it is in one line; `location` is that of the installation."""

    path: str
    location: str | None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """A field of the identity, the servicing stack or the pending work, by its path in the scan's document."""

    field: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDifference:
    """A KB whose state differs; None where the side does not have it."""

    kb: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDifference:
    """A package whose state differs; of package sets the state is ``present``, and None where the side lacks it."""

    identity: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """A file whose version was read on both sides or on one, kernel and its neighbours."""

    path: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """The document of one comparison."""

    schema: Literal["buildlab.diff/1"]
    tool: Tool
    a: DiffSide
    b: DiffSide
    identity: tuple[FieldDifference, ...]
    updates: tuple[UpdateDifference, ...]
    packages: tuple[PackageDifference, ...]
    files: tuple[FileDifference, ...]
    errors: tuple[ScanError, ...]
    exit: Exit

    @property
    def is_different(self) -> bool:
        """Whether anything differs."""
        return bool(self.identity or self.updates or self.packages or self.files)
