"""Updates: one row a KB, its state concluded from its packages."""

from typing import cast

from buildlab.inference.package_rows import PackageRow
from buildlab.inference.supersedence import successors_of_update
from buildlab.inference.update_reasons import UpdatePackages, argue
from buildlab.knowledge.package_classes import class_of_release_type
from buildlab.knowledge.updates import update_of_kb
from buildlab.results.scan import Classification, Package, Update, UpdateState
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
_REPLACES: tuple[UpdateState, ...] = ("installed", "install-pending", "superseded", "partially-installed")
"""States of updates that can have superseded another one."""


def conclude_updates(rows: tuple[PackageRow, ...]) -> tuple[Update, ...]:
    """Group the packages by KB, sorted by number. The parents of a KB decide; without one, its members."""
    groups: dict[str, list[PackageRow]] = {}
    for row in rows:
        if row.package.kb is not None:
            groups.setdefault(row.package.kb, []).append(row)
    by_identity = {row.package.identity.lower(): row.package for row in rows}
    decided = {kb: _decide(groups[kb]) for kb in sorted(groups, key=kb_number)}
    present = frozenset(kb for kb, update in decided.items() if update.state in _REPLACES)
    return tuple(_update(kb, update, present, by_identity) for kb, update in decided.items())


def _decide(rows: list[PackageRow]) -> UpdatePackages:
    parents = tuple(row for row in rows if row.is_parent)
    members = tuple(row for row in rows if not row.is_parent)
    deciding = parents or members
    best = min(deciding, key=lambda row: _PRECEDENCE.index(row.package.state))
    states = {row.package.state for row in deciding}
    state: UpdateState = "mixed" if not parents and len(states) > 1 else best.package.state
    return UpdatePackages(parents=parents, members=members, best=best, state=state)


def _update(kb: str, update: UpdatePackages, present: frozenset[str], by_identity: dict[str, Package]) -> Update:
    best, state = update.best.package, update.state
    deciding = update.deciding
    superseded_by: tuple[str, ...] = ()
    if state == "superseded":
        superseded_by = successors_of_update(kb, [row.package for row in deciding], present, by_identity)
    return Update(
        kb=kb,
        state=state,
        permanent=state == "installed" and best.permanent,
        title=next((row.title for row in (update.best, *deciding) if row.title), None),
        release_type=best.release_type,
        classification=_classification(kb, update.best, best.release_type),
        installed_at=None if state == "mixed" else best.installed_at,
        installed_at_source=None if state == "mixed" else update.best.installed_at_source,
        packages=tuple(row.package.identity for row in (*update.parents, *update.members)),
        kb_source=best.kb_source or "package-name",
        because=tuple(row.package.fact for row in deciding),
        kb_confidence=best.kb_confidence or "stated",
        package_class=best.package_class,
        state_because=argue(kb, update, superseded_by),
        superseded_by=superseded_by,
        visible=any(row.package.visible for row in deciding),
        removable=None if state == "mixed" else best.removable,
        restart=best.restart,
        leftover=all(row.package.leftover for row in deciding),
    )


def _classification(kb: str, row: PackageRow, release_type: str | None) -> Classification | None:
    """What is known of the KB, then what the package's name says, then its release type."""
    known = update_of_kb(kb)
    word = known.classification if known is not None else row.name_class
    if word is None and release_type is not None:
        word = class_of_release_type(release_type)
    return cast(Classification | None, word)
