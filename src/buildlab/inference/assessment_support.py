"""Whether an installation is supported on a day: by build, side, edition and architecture."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from buildlab.inference.assessment_subject import Assessed, statement
from buildlab.knowledge.support import SupportPhase, support_phases
from buildlab.results.assessment import Answer, Statement


@dataclass(frozen=True, slots=True)
class _Phase:
    """The rows of one phase that may be the system's. `is_certain` is True where one of them is; with several, what is
    not known of the system decides which. No rows: the phase is not for such a system."""

    rows: tuple[SupportPhase, ...]
    is_certain: bool
    any_row: SupportPhase

    @property
    def licence(self) -> str | None:
        return self.any_row.licence

    @property
    def last(self) -> SupportPhase:
        """The row that ends last."""
        return max(self.rows, key=lambda row: row.ends)

    def runs(self, day: date) -> bool | None:
        """Whether it runs on a day; None where that depends on what is not known."""
        running = [day <= row.ends for row in self.rows]
        if not any(running):
            return False
        return True if self.is_certain and all(running) else None


def support_statements(subject: Assessed) -> Iterator[Statement]:
    """The state on the day, then each phase: yes while it runs, for those it is for."""
    because = (
        *subject.identity.because,
        *subject.facts("system.product_type", "registry.edition_id", "kernel.machine"),
    )
    phases = sorted(_phases(subject), key=lambda phase: (phase.last if phase.rows else phase.any_row).ends)
    yield _summary(subject, [phase for phase in phases if phase.rows], because)
    for phase in phases:
        if phase.rows:
            for row in phase.rows:
                yield _row(subject, row, phase.runs(subject.as_of), because)
        elif phase.licence is not None:
            note = f" ({phase.any_row.words})" if phase.any_row.words else ""
            words = f"{phase.licence}: not for this side, edition or architecture{note}"
            yield _told(phase.any_row, "not-applicable", words, because)


def _phases(subject: Assessed) -> Iterator[_Phase]:
    """Of each phase the first row that covers the system, and those before it that may."""
    if subject.known is None:
        return
    identity = subject.identity
    of_build = support_phases(subject.known.build)
    for name in dict.fromkeys(phase.phase for phase in of_build):
        rows = [phase for phase in of_build if phase.phase == name]
        fitting: list[SupportPhase] = []
        is_certain = False
        for row in rows:
            covers = row.covers(subject.side, identity.edition, identity.architecture)
            if covers is not False:
                fitting.append(row)
            if covers:
                is_certain = True
                break
        yield _Phase(tuple(fitting), is_certain, rows[0])


def _summary(subject: Assessed, phases: list[_Phase], because: tuple[str, ...]) -> Statement:
    """Yes while a phase runs that needs no licence, no when all are over, unknown while it depends on a licence."""
    if not phases:
        return statement("support", "unknown", "the bundled data has no dates of this Windows", because=because)
    day, on = subject.as_of, f"on {subject.as_of}"
    free = [phase for phase in phases if phase.licence is None and phase.runs(day)]
    perhaps = [phase for phase in phases if phase.runs(day) is not False]
    answer: Answer
    if free:
        first = min(max(free, key=lambda phase: phase.last.ends).rows, key=lambda row: row.ends)
        return _told(first, "yes", f"supported {on}, until {first.ends} ({first.phase})", because, subject="support")
    if perhaps:
        last = max(perhaps, key=lambda phase: phase.last.ends).last
        why = f"only with {last.licence}" if last.licence else "if its side and edition are those that are"
        answer, words = "unknown", f"supported {on} {why}, until {last.ends} ({last.phase}); the image does not tell"
    else:
        last = max(phases, key=lambda phase: phase.last.ends).last
        answer, words = "no", f"not supported {on}: the last phase, {last.phase}, ended on {last.ends}"
    return _told(last, answer, words, because, subject="support")


def _row(subject: Assessed, row: SupportPhase, runs: bool | None, because: tuple[str, ...]) -> Statement:
    """One row: whether it runs for this system. A licence no image proves, so that it is never a yes."""
    is_over = subject.as_of > row.ends
    needs = f", with {row.licence}" if row.licence is not None else ""
    note = f" ({row.words})" if row.words else ""
    words = f"{row.phase} {'ended on' if is_over else 'until'} {row.ends}{needs}{note}"
    return _told(row, "no" if is_over else "yes" if runs and row.licence is None else "unknown", words, because)


def _told(
    row: SupportPhase, answer: Answer, words: str, because: tuple[str, ...], *, subject: str | None = None
) -> Statement:
    return statement(
        subject or f"support.{row.phase}",
        answer,
        words,
        value=row.ends.isoformat(),
        because=because,
        source=row.source,
        confidence=row.confidence,
    )
