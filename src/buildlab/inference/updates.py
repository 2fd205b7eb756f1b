"""Updates: one row a KB, its state concluded from its packages."""

from typing import cast

from buildlab.inference.package_rows import PackageRow
from buildlab.knowledge.package_classes import class_of_release_type
from buildlab.knowledge.updates import update_of_kb
from buildlab.results.scan import Classification, Update, UpdateState
from buildlab.windows.kb import kb_number

_PRECEDENCE: tuple[UpdateState, ...] = (
    "installed",
    "install-pending",
    "uninstall-pending",
    "superseded",
    "partially-installed",
    "broken",
    "staging",
    "staged",
    "resolving",
    "resolved",
    "unknown",
    "absent",
)
"""Of several versions of one parent package, the first of these states is that of the update."""


def conclude_updates(rows: tuple[PackageRow, ...]) -> tuple[Update, ...]:
    """Group the packages by KB, sorted by number. The parents of a KB decide; without one, its members."""
    groups: dict[str, list[PackageRow]] = {}
    for row in rows:
        if row.package.kb is not None:
            groups.setdefault(row.package.kb, []).append(row)
    return tuple(_update(kb, groups[kb]) for kb in sorted(groups, key=kb_number))


def _update(kb: str, rows: list[PackageRow]) -> Update:
    parents = [row for row in rows if row.is_parent]
    members = [row for row in rows if not row.is_parent]
    deciding = parents or members
    best = min(deciding, key=lambda row: _PRECEDENCE.index(row.package.state))
    states = {row.package.state for row in deciding}
    state: UpdateState = "mixed" if not parents and len(states) > 1 else best.package.state
    release_type = best.package.release_type
    return Update(
        kb=kb,
        state=state,
        permanent=state == "installed" and best.package.permanent,
        title=next((row.title for row in (best, *deciding) if row.title), None),
        release_type=release_type,
        classification=_classification(kb, best, release_type),
        installed_at=None if state == "mixed" else best.package.installed_at,
        installed_at_source=None if state == "mixed" else best.installed_at_source,
        packages=tuple(row.package.identity for row in (*parents, *members)),
        kb_source=best.kb_source or "package-name",
        because=tuple(row.package.fact for row in deciding),
    )


def _classification(kb: str, row: PackageRow, release_type: str | None) -> Classification | None:
    """What is known of the KB, then what the package's name says, then its release type."""
    known = update_of_kb(kb)
    word = known.classification if known is not None else row.name_class
    if word is None and release_type is not None:
        word = class_of_release_type(release_type)
    return cast(Classification | None, word)
