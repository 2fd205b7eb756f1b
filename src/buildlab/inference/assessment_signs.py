"""Signs that an installation's number was changed by other than updates, or that its list of them is not whole.

A sign is no proof; each says what was compared. ``no`` means that it was looked for and is not there.
"""

from collections.abc import Iterator

from buildlab.inference.assessment_level import bringers_of_build
from buildlab.inference.assessment_subject import Assessed, statement
from buildlab.knowledge.branches import branch_of_revision
from buildlab.knowledge.requirements import requirements_of_kb
from buildlab.knowledge.servicing import build_change_of
from buildlab.knowledge.updates import match_revision, update_of_kb
from buildlab.results.assessment import Answer, Statement
from buildlab.results.scan import Conflict, Update
from buildlab.windows.version import NtVersion

_NUMBERS = ("build", "version", "revision", "build_lab", "registry.current_build", "kernel.file_version")
"""Subjects of conflicts that are about the number."""
_PROBABLE = ("offline-serviced", "stale-registry")
"""Explanations that fit, and that a change of the number by hand would fit as well."""
_REGISTRY = ("registry.current_build_number", "registry.current_build", "system.shutdown_build_lab")
_MONTHLY = ("monthly-rollup", "security-only")
_EXACT = "ntoskrnl"
"""The basis of a version that is the kernel's own, and not that of the update's newest file."""


def sign_statements(subject: Assessed) -> Iterator[Statement]:
    """Every sign that was looked for."""
    yield _registry_and_kernel(subject)
    if subject.is_nt60 and subject.known is not None:
        yield from _without_update(subject)
        yield from _out_of_range(subject)
        yield from _beyond_the_table(subject)
        yield from _behind_updates(subject)
        yield from _unmet(subject)


def _registry_and_kernel(subject: Assessed) -> Statement:
    """Whether the accounts of the number differ without an explanation."""
    conflicts = [one for one in subject.installation.conflicts if one.subject in _NUMBERS]
    unexplained = [one for one in conflicts if one.explanation == "unexplained"]
    because = [value.fact for one in unexplained or conflicts for value in one.values]
    if conflicts:
        words = "; ".join(_differs(one) for one in unexplained or conflicts)
        probable = any(one.explanation in _PROBABLE for one in conflicts)
        answer: Answer = "yes" if unexplained else "unknown" if probable else "no"
        return statement("number-differs", answer, words, because=because)
    identity = subject.identity
    is_compared = identity.kernel is not None and bool(subject.facts(*_REGISTRY))
    if identity.verdict == "agree" or (is_compared and identity.verdict in ("explained", "conflict")):
        because = [*identity.because, *subject.facts(*_REGISTRY)]
        return statement("number-differs", "no", "every source states the same number", because=because)
    words = "there are no two sources of the number that can be compared"
    return statement("number-differs", "unknown", words, because=identity.because)


def _differs(conflict: Conflict) -> str:
    values = " and ".join(dict.fromkeys(str(value.value) for value in conflict.values))
    return f"{conflict.subject}: {values}, {conflict.explanation}"


def _without_update(subject: Assessed) -> Iterator[Statement]:
    """A build that only updates bring, and no such update, not even a superseded one."""
    change = build_change_of(subject.identity.version or "")
    if change is None or subject.identity.build != change.after:
        return
    bringers = bringers_of_build(subject, change)
    because = (*subject.identity.because, *(fact for update in bringers for fact in update.because))
    answer: Answer
    if bringers:
        answer, words = "no", f"{bringers[0].kb} is there, which brings build {change.after}"
    elif subject.list_is_known:
        answer, words = (
            "yes",
            f"the kernel is {change.after}, and no update that brings it is on the image in any state",
        )
    else:
        answer, words = "unknown", "the list of packages could not be read"
    yield statement(
        "build-without-update",
        answer,
        words,
        because=because,
        source=change.source,
        confidence=change.confidence,
    )


def _out_of_range(subject: Assessed) -> Iterator[Statement]:
    identity = subject.identity
    if identity.revision is None or identity.version is None:
        return
    found = branch_of_revision(identity.version, identity.revision)
    if found is None:
        words = f"revision {identity.revision} is in the range of no branch of Windows {identity.version}"
        yield statement("revision-out-of-range", "yes", words, because=identity.because)
        return
    words = f"revision {identity.revision} is in the range of {found.branch}, {found.first} to {found.last}"
    yield statement(
        "revision-out-of-range",
        "no",
        words,
        because=identity.because,
        source=found.source,
        confidence=found.confidence,
    )


def _beyond_the_table(subject: Assessed) -> Iterator[Statement]:
    """Above the last revision that is known, or, for the later build, below the first."""
    identity, match = subject.identity, subject.match
    change = build_change_of(identity.version or "")
    if identity.revision is None or change is None or identity.build not in (change.before, change.after):
        return
    answer: Answer
    if match is None:
        is_early = identity.build == change.after
        words = f"revision {identity.revision} is below the first that is known"
        words += f" of build {change.after}" if is_early else ", as every one before monthly rollups is"
        answer = "yes" if is_early else "no"
    elif match.following is None and not match.exact:
        words = f"revision {identity.revision} is above {match.month_revision}, the last that is known of build "
        words += f"{match.build}: newer than the bundled data, or changed"
        answer = "yes"
    else:
        answer, words = "no", f"revision {identity.revision} is not above the last that is known"
    yield statement(
        "revision-beyond-data",
        answer,
        words,
        because=identity.because,
        source=change.source,
        confidence=change.confidence,
    )


def _behind_updates(subject: Assessed) -> Iterator[Statement]:
    """A kernel older than the newest monthly update that counts as installed brings."""
    identity = subject.identity
    if identity.kernel is None or identity.build is None or identity.revision is None:
        return
    installed = [
        (known.version, known, update)
        for update in subject.installation.updates
        if update.state == "installed"
        and (known := update_of_kb(update.kb)) is not None
        and known.classification in _MONTHLY
        and known.version is not None
    ]
    if not installed:
        words = "no monthly update whose kernel is known is installed"
        yield statement("kernel-behind-updates", "unknown", words, because=identity.because)
        return
    version, newest, update = max(installed, key=lambda one: one[0])
    least = _least_kernel(version, newest.version_basis)
    is_behind = least is not None and (identity.build, identity.revision) < least
    kernel, brings = f"{identity.build}.{identity.revision}", f"{newest.kb} ({newest.month}) brings {version}"
    words = f"the kernel {kernel} is older than what is installed: {brings}" if is_behind else f"{kernel}, and {brings}"
    yield statement(
        "kernel-behind-updates",
        "yes" if is_behind else "no",
        words,
        because=(*identity.because, *update.because),
        source=newest.source,
        confidence=newest.confidence,
    )


def _least_kernel(version: NtVersion, basis: str) -> tuple[int, int] | None:
    """The least kernel that fits an update's version. One that is of its newest file may be a few above its kernel's,
    but never as many as down to the month before."""
    if basis == _EXACT:
        return version.build, version.revision
    match = match_revision(version.build, version.revision)
    if match is None or match.previous is None:
        return None
    return version.build, match.previous[1] + 1


def _unmet(subject: Assessed) -> Iterator[Statement]:
    """Updates that are installed without what they need before them."""
    if not subject.list_is_known:
        words = "the list of packages could not be read"
        yield statement("unmet-requirements", "unknown", words)
        return
    lacking: list[tuple[Update, str]] = []
    for update in subject.installation.updates:
        if update.state not in ("installed", "superseded"):
            continue
        needs = (one for one in requirements_of_kb(update.kb) if one.licence is None)
        missing = [one.words for one in needs if subject.presence(one.kbs).answer == "no"]
        if missing:
            lacking.append((update, " and ".join(missing)))
    if lacking:
        told = "; ".join(f"{update.kb} needs {words}" for update, words in lacking[:3])
        more = f"; {len(lacking) - 3} more" if len(lacking) > 3 else ""
        because = [fact for update, _ in lacking for fact in update.because]
        yield statement("unmet-requirements", "yes", f"not on the image: {told}{more}", because=because)
    else:
        words = "every installed update that is known finds what it needs"
        yield statement("unmet-requirements", "no", words)
