"""Why an update has the state that it has, in sentences with the facts they rest on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from buildlab.inference.package_rows import PackageRow
from buildlab.knowledge.state_meanings import state_meaning
from buildlab.knowledge.updates import superseding_by_chain
from buildlab.results.scan import KbSource, Package, Reason, UpdateState

_MOST_FACTS = 20
"""Facts that one sentence cites; the update lists all its packages anyway."""
_SOURCES: dict[KbSource, str] = {
    "package-name": "the package's name",
    "manifest": "the package's manifest, for its name has none",
    "sessions": "the log of servicing sessions, for the package's name has none",
    "install-location": "the folder that the package was installed from, for nothing else names one",
    "install-name": "the file that the package was installed from, for nothing else names one",
    "revision-table": "the bundled data, which has one update of this revision; nothing on the image names one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePackages:
    """The packages of one KB, which of them decides, and what follows. `best` has the state that counts."""

    parents: tuple[PackageRow, ...]
    members: tuple[PackageRow, ...]
    best: PackageRow
    state: UpdateState

    @property
    def deciding(self) -> tuple[PackageRow, ...]:
        """The parents; without one, the members."""
        return self.parents or self.members


def argue(kb: str, update: UpdatePackages, superseded_by: Sequence[str]) -> tuple[Reason, ...]:
    """Every step from the packages to the state, the deciding one first."""
    steps = (
        _decision(update),
        _meaning(update),
        *_members(update),
        *_twins(update),
        _successor(kb, update, superseded_by),
        *_errors(update),
        _leftover(update),
        _manifest(update),
        _number(kb, update),
    )
    return tuple(step for step in steps if step is not None)


def _decision(update: UpdatePackages) -> Reason:
    best = update.best.package
    if not update.parents:
        words = _counts(update.members)
        if update.state == "mixed":
            return _reason(f"no package stands for the whole update and its packages differ: {words}", update.members)
        return _reason(f"no package stands for the whole update; of its packages are {words}", update.members)
    if len(update.parents) == 1:
        return Reason(sentence=f"its package {best.identity} is {_state(best)}", facts=(best.fact,))
    others = [row for row in update.parents if row is not update.best]
    sentence = (
        f"of {len(update.parents)} packages that stand for it {best.identity} is {_state(best)}, which decides; of the "
        f"others are {_counts(others)}"
    )
    return _reason(sentence, (update.best, *others))


def _meaning(update: UpdatePackages) -> Reason | None:
    """What the code means, where the word alone does not say enough."""
    code = update.best.package.state_code
    if update.state in ("mixed", "installed", "superseded") or code is None:
        return None
    meaning = state_meaning(code)
    if meaning is None:
        return Reason(sentence=f"the code {code} of CurrentState is not known", facts=(update.best.package.fact,))
    return Reason(sentence=f"that state means: {meaning.meaning.rstrip('.')}", facts=(update.best.package.fact,))


def _members(update: UpdatePackages) -> Iterator[Reason]:
    """Members that are in another state than the update, those made for other products apart."""
    if not update.parents:
        return
    differing = [row for row in update.members if row.package.state != update.state]
    for state in dict.fromkeys(row.package.state for row in differing):
        rows = [row for row in differing if row.package.state == state]
        sides = sorted({side for row in rows for side in row.package.applies_to})
        made_for = f"; they are made for {' and '.join(sides)}" if all(row.package.applies_to for row in rows) else ""
        yield _reason(f"{len(rows)} of its {len(update.members)} members are {state}{made_for}", rows)


def _twins(update: UpdatePackages) -> Iterator[Reason]:
    by_identity = {row.package.identity: row for row in (*update.parents, *update.members)}
    rows = [row for row in update.members if row.package.twin is not None]
    unlike = [row for row in rows if _state_of(by_identity.get(row.package.twin or "")) != row.package.state]
    if unlike:
        yield _reason(f"{len(unlike)} of its {len(rows)} _BF twins are in another state than their package", unlike)


def _state_of(row: PackageRow | None) -> UpdateState | None:
    return None if row is None else row.package.state


def _successor(kb: str, update: UpdatePackages, superseded_by: Sequence[str]) -> Reason | None:
    if update.state != "superseded":
        return None
    if not superseded_by:
        sentence = (
            "which update superseded it cannot be told: no other one brings a higher version of its package, and the "
            "bundled data names none of this image"
        )
        return Reason(sentence=sentence, facts=(update.best.package.fact,))
    successors = [row.package.superseded_by for row in update.deciding if row.package.superseded_by is not None]
    by_version = next(iter(successors), None) if superseded_by[0] not in superseding_by_chain(kb) else None
    basis = f"by the version of {by_version}" if by_version is not None else "by the bundled data"
    first, *rest = superseded_by
    also = f" (and {len(rest)} more)" if rest else ""
    return Reason(sentence=f"superseded by {first}{also}, {basis}", facts=(update.best.package.fact,))


def _errors(update: UpdatePackages) -> Iterator[Reason]:
    rows = [row for row in (*update.parents, *update.members) if row.package.last_error is not None]
    for error in dict.fromkeys(row.package.last_error for row in rows):
        same = [row for row in rows if row.package.last_error == error]
        first = same[0].package
        known = f" ({first.last_error_name}: {first.last_error_meaning})" if first.last_error_name is not None else ""
        yield _reason(f"the last attempt on {_number_of(same)} ended with {error}{known}", same)


def _leftover(update: UpdatePackages) -> Reason | None:
    if not all(row.package.leftover for row in update.deciding):
        return None
    return _reason("it is what a failed installation left: not installed, an error, and no owner", update.deciding)


def _manifest(update: UpdatePackages) -> Reason | None:
    best = update.best.package
    if best.manifest is not False or update.state != "installed":
        return None
    return Reason(sentence=f"the manifest of {best.identity} is not among the package manifests", facts=(best.fact,))


def _number(kb: str, update: UpdatePackages) -> Reason | None:
    source, fact = update.best.package.kb_source, update.best.kb_fact
    if source is None or source == "package-name":
        return None
    cited = update.best.package.fact if fact is None else fact.id
    return Reason(sentence=f"the number {kb} is from {_SOURCES[source]}", facts=(cited,))


def _state(package: Package) -> str:
    if package.state_code is None:
        return "of unknown state, as the registry does not state it"
    permanent = ", permanent" if package.permanent else ""
    return f"{package.state}{permanent} (CurrentState {package.state_code:#x})"


def _counts(rows: Sequence[PackageRow]) -> str:
    counts = Counter(row.package.state for row in rows)
    return ", ".join(f"{count} {state}" for state, count in counts.most_common())


def _number_of(rows: Sequence[PackageRow]) -> str:
    return rows[0].package.identity if len(rows) == 1 else f"{len(rows)} packages"


def _reason(sentence: str, rows: Sequence[PackageRow]) -> Reason:
    return Reason(sentence=sentence, facts=tuple(row.package.fact for row in rows[:_MOST_FACTS]))
