"""``branches.inf`` and ``updatebr.inf``: the lines of servicing that an update knows, and the INF of each.

Observed in Windows Server 2003 Service Pack 2. A package for several branches has one update.inf for each, and its
installer takes that of the branch which the files of the system are of.
"""

from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.inf import Inf, read_inf


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, its name for people, and the branch that comes behind it; the last names itself."""

    name: str
    title: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class BranchInf:
    """The update.inf of a branch, by its path in the package."""

    branch: str
    path: str


@dataclass(frozen=True, slots=True)
class DefaultBranch:
    """The branch of systems at a service pack whose files tell none."""

    service_pack: str
    branch: str


@dataclass(frozen=True, slots=True)
class BranchInfs:
    """What updatebr.inf states."""

    infs: tuple[BranchInf, ...]
    defaults: tuple[DefaultBranch, ...]


def read_branches(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Branch, ...]:
    """The branches of a branches.inf, from the oldest; FormatError where it is none, LimitExceededError."""
    found = []
    for name, values in _pairs(read_inf(data, limits), "FileBranchInfo", "branches.inf"):
        title, following = (*values, "", "")[:2]
        found.append(Branch(name, title or None, following or None))
    return tuple(found)


def read_branch_infs(data: bytes, limits: Limits = DEFAULT_LIMITS) -> BranchInfs:
    """What an updatebr.inf states; FormatError where it is none, LimitExceededError."""
    inf = read_inf(data, limits)
    infs = _pairs(inf, "SourceInfsBranches", "updatebr.inf")
    defaults = (
        []
        if inf.section("DefaultBranchesServicePacks") is None
        else _pairs(inf, "DefaultBranchesServicePacks", "updatebr.inf")
    )
    return BranchInfs(
        tuple(BranchInf(name, values[0]) for name, values in infs if values[0]),
        tuple(DefaultBranch(name, values[0]) for name, values in defaults if values[0]),
    )


def _pairs(inf: Inf, section: str, format: str) -> list[tuple[str, tuple[str, ...]]]:
    found = inf.section(section)
    if found is None:
        raise FormatError(format, f"has no section {section}")
    return [(line.key, line.values) for line in found.lines if line.key]
