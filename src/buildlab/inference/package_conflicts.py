"""Where the list of packages disagrees with the index, the manifests, the catalogues, the kernel and the winners."""

from collections.abc import Iterator, Sequence

from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.inference.package_rows import PackageRow
from buildlab.inference.sources_of_version import VersionSources
from buildlab.knowledge.branches import branch_of_revision
from buildlab.knowledge.updates import update_of_kb
from buildlab.results.scan import Conflict, ConflictValue, Explanation
from buildlab.windows.version import NtVersion

_MOST_VALUES = 20
"""Packages that one conflict names; its note tells how many there are."""
_ONE_IN = 10
"""A manifest or a catalogue that is missing says something where at most one in ten is: images are pruned on purpose
too."""
_KERNEL_BASIS = "ntoskrnl"


def find_package_conflicts(
    evidence: Evidence, rows: Sequence[PackageRow], sources: VersionSources, *, restart_pending: bool
) -> tuple[Conflict, ...]:
    """All disagreements about packages. Those about the projected version are explained by a pending restart."""
    why: Explanation = "pending-restart" if restart_pending else "unexplained"
    found = (
        _not_listed(evidence),
        _twice(rows),
        _without_manifest(rows),
        _without_catalogue(evidence, rows),
        _older_kernel(rows, sources, why),
        *_other_winner(evidence, sources, why),
    )
    return tuple(conflict for conflict in found if conflict is not None)


def _not_listed(evidence: Evidence) -> Conflict | None:
    facts = evidence.all("package_index.without_package")
    count = evidence.number("package_index.missing")
    if not facts or count is None:
        return None
    note = f"the index of packages names {count} that the list of packages does not have"
    values = tuple(ConflictValue(value=fact.value, fact=fact.id) for fact in facts[:_MOST_VALUES])
    return Conflict(subject="package-index", explanation="unexplained", note=note, values=values)


def _twice(rows: Sequence[PackageRow]) -> Conflict | None:
    odd = [row for row in rows if "identity-occurs-twice" in row.package.oddities]
    note = f"{len(odd)} keys of packages have the identity of another one; all are kept"
    return _conflict("package-identity", odd, note)


def _without_manifest(rows: Sequence[PackageRow]) -> Conflict | None:
    installed = [row for row in rows if row.package.state == "installed"]
    missing = [row for row in installed if row.package.manifest is False]
    if not _is_exception(len(missing), len(installed)):
        return None
    note = f"{len(missing)} of {len(installed)} installed packages have no manifest, unlike the others"
    return _conflict("package-manifest", missing, note)


def _without_catalogue(evidence: Evidence, rows: Sequence[PackageRow]) -> Conflict | None:
    if evidence.catalogues is None:
        return None
    installed = [row for row in rows if row.package.state == "installed"]
    missing = [row for row in installed if row.package.identity.lower() not in evidence.catalogues]
    if not _is_exception(len(missing), len(installed)):
        return None
    note = f"{len(missing)} of {len(installed)} installed packages have no catalogue, unlike the others"
    return _conflict("package-catalogue", missing, note)


def _is_exception(missing: int, all_of_them: int) -> bool:
    return 0 < missing * _ONE_IN <= all_of_them


def _older_kernel(rows: Sequence[PackageRow], sources: VersionSources, why: Explanation) -> Conflict | None:
    """An installed update whose kernel is known to be newer than the one on disk. Kernels of two branches, and updates
    whose version is not the kernel's, cannot be compared."""
    kernel, fact = sources.kernel, sources.kernel_fact
    if kernel is None or fact is None:
        return None
    newest: tuple[NtVersion, PackageRow] | None = None
    for row in rows:
        known = update_of_kb(row.package.kb) if row.package.kb is not None and row.is_parent else None
        if row.package.state != "installed" or known is None or known.version is None:
            continue
        if known.version_basis == _KERNEL_BASIS and (newest is None or known.version > newest[0]):
            newest = known.version, row
    if newest is None or newest[0] <= kernel or not _one_branch(kernel, newest[0]):
        return None
    package = newest[1].package
    note = (
        f"{package.kb} says installed and brings kernel {newest[0]}, the kernel on disk is older: its newest component "
        "is not projected"
    )
    values = (_value(str(newest[0]), package.fact), _value(str(kernel), fact.id))
    return Conflict(subject="projected-kernel", explanation=why, note=note, values=values)


def _one_branch(one: NtVersion, other: NtVersion) -> bool:
    branches = [branch_of_revision(version.windows, version.revision) for version in (one, other)]
    return len({None if branch is None else branch.branch for branch in branches}) == 1


def _other_winner(evidence: Evidence, sources: VersionSources, why: Explanation) -> Iterator[Conflict]:
    """The newest winner of the kernel's component is the version of the kernel on disk, or one is not projected."""
    found: list[tuple[NtVersion, Fact]] = []
    for fact in evidence.all("winner.kernel"):
        version = NtVersion.parse(str(fact.value))
        if version is not None:
            found.append((version, fact))
    kernel, kernel_fact = sources.kernel, sources.kernel_fact
    if not found or kernel is None or kernel_fact is None:
        return
    winner, fact = max(found, key=lambda one: one[0])
    if winner != kernel:
        note = f"SideBySide\\Winners has the kernel {winner} as the one to be projected, the one on disk is another"
        values = (_value(str(winner), fact.id), _value(str(kernel), kernel_fact.id))
        yield Conflict(subject="component-winner", explanation=why, note=note, values=values)


def _conflict(subject: str, rows: Sequence[PackageRow], note: str) -> Conflict | None:
    if not rows:
        return None
    values = tuple(_value(row.package.identity, row.package.fact) for row in rows[:_MOST_VALUES])
    return Conflict(subject=subject, explanation="unexplained", note=note, values=values)


def _value(value: str, fact: str) -> ConflictValue:
    return ConflictValue(value=value, fact=fact)
