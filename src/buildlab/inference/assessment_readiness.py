"""What an installation is ready for: SHA-2 signatures, its servicing stack, Extended Security Updates."""

from collections.abc import Iterator

from buildlab.inference.assessment_subject import Assessed, Presence, statement, worst
from buildlab.knowledge.periods import period
from buildlab.knowledge.requirements import sha2_requirements
from buildlab.knowledge.servicing import Sha2Support, sha2_support_of
from buildlab.knowledge.support import esu_preparations, support_phases
from buildlab.knowledge.updates import KnownUpdate, known_updates
from buildlab.results.assessment import Statement
from buildlab.windows.version import NtVersion

_STACK, _PREPARATION = "servicing-stack", "esu-preparation"


def readiness_statements(subject: Assessed) -> Iterator[Statement]:
    """Everything about readiness."""
    support = sha2_support_of(subject.identity.version) if subject.identity.version is not None else None
    if support is not None:
        yield from _sha2(subject, support)
        yield from _generation(subject, support)
    yield _stack(subject)
    yield from _extended_updates(subject)


def _sha2(subject: Assessed, support: Sha2Support) -> Iterator[Statement]:
    """Of NT 6.0 the servicing stack update counts too; of others the bundled data does not name it."""
    found: list[Presence] = []
    for needed in sha2_requirements() if subject.is_nt60 else ():
        if support.kb not in needed.kbs:
            presence = subject.presence(needed.kbs)
            found.append(presence)
            words = f"{needed.words}: {presence.words}"
            yield statement(
                "sha2.servicing-stack",
                presence.answer,
                words,
                value=presence.kb,
                because=presence.because,
                source=period("sha2").source,
                confidence=period("sha2").confidence,
            )
    update = subject.presence((support.kb,))
    found.append(update)
    yield statement(
        "sha2.update", update.answer, update.words, value=update.kb, because=update.because, source=support.source
    )
    answer = worst(one.answer for one in found)
    can = {
        "yes": "can be checked",
        "pending": "can be checked after the restart that is due",
        "no": "cannot be checked",
    }.get(answer, "may or may not be checked")
    words = f"updates of {support.first_month} and later, which are signed with SHA-2 only, {can}"
    if not subject.is_nt60:
        words += f" as far as {support.kb} decides; the servicing stack update it needs is not in the bundled data"
        answer = "unknown" if answer == "yes" else answer
    because = [fact for one in found for fact in one.because]
    yield statement("sha2", answer, words, because=because, source=support.source)


def _generation(subject: Assessed, support: Sha2Support) -> Iterator[Statement]:
    """The generation differs in the package's version alone, and which version is which is documented nowhere."""
    update = subject.updates.get(support.kb)
    presence = subject.presence((support.kb,))
    if update is None or presence.answer == "no":
        return
    there = [
        package
        for package in subject.installation.packages
        if package.fact in update.because and package.state == "installed"
    ]
    versions = {NtVersion.parse(package.version or "") for package in there}
    newest = max((version for version in versions if version is not None), default=None)
    words = f"issued {support.newest} times; which package version is of which generation is not documented"
    yield statement(
        "sha2.generation",
        "unknown",
        f"{support.kb} was {words}" + (f"; the newest here is {newest}" if newest is not None else ""),
        value=None if newest is None else str(newest),
        because=[package.fact for package in there],
        source=support.source,
    )


def _stack(subject: Assessed) -> Statement:
    """The version of the stack, with the newest servicing stack update that is known and later ones."""
    stack = subject.installation.servicing_stack
    if stack.version is None:
        return statement("servicing-stack", "unknown", "no servicing stack was found")
    words = f"servicing stack {stack.version}"
    if not subject.is_nt60:
        return statement("servicing-stack", None, words, value=stack.version, because=stack.because)
    stacks = [known for known in known_updates().values() if known.classification == _STACK]
    here = [known for known in stacks if subject.presence((known.kb,)).answer == "yes"]
    newest = max(here, key=_date) if here else None
    later = sorted((one for one in stacks if newest is None or one.date > newest.date), key=_date)
    words += f"; the newest servicing stack update here is {_dated(newest)}" if newest else "; no update of it is here"
    if later:
        words += f"; {len(later)} later ones are known, up to {_dated(later[-1])}"
        words += " (unverified)" if later[-1].confidence == "unverified" else ""
    because = [*stack.because, *(fact for one in here for fact in subject.updates[one.kb].because)]
    source = None if newest is None else newest.source
    return statement("servicing-stack", None, words, value=stack.version, because=because, source=source)


def _date(update: KnownUpdate) -> str:
    return update.date


def _dated(update: KnownUpdate) -> str:
    return f"{update.kb} ({update.date})"


def _extended_updates(subject: Assessed) -> Iterator[Statement]:
    """Preparation and licence, for a Windows that has Extended Security Updates."""
    if subject.known is None:
        return
    identity = subject.identity
    phases = [one for one in support_phases(subject.known.build) if one.phase == "esu"]
    if not phases:
        return
    covered = [one.covers(subject.side, identity.edition, identity.architecture) for one in phases]
    if not any(one is not False for one in covered):
        because = (*identity.because, *subject.facts("system.product_type", "kernel.machine"))
        words = "there are no Extended Security Updates for this side and architecture"
        yield statement("esu", "not-applicable", words, because=because, source=phases[0].source)
        return
    preparations = _preparations(subject)
    if preparations:
        presence = subject.presence(preparations)
        words = f"{' or '.join(sorted(preparations))}: {presence.words}"
        yield statement(
            "esu.preparation", presence.answer, words, value=presence.kb, because=presence.because,
            source=period("esu").source, confidence=period("esu").confidence,
        )  # fmt: skip
    words = "whether a licence is active lies in the licensing store and cannot be told offline"
    match = subject.match
    if match is not None and period("esu").holds(match.month):
        words += f"; the updates of {match.month} that are here needed one when they were installed"
    yield statement("esu.licence", "unknown", words, because=identity.because)


def _preparations(subject: Assessed) -> frozenset[str]:
    if subject.is_nt60:
        return frozenset(kb for kb, known in known_updates().items() if known.classification == _PREPARATION)
    return esu_preparations(subject.identity.version or "")
