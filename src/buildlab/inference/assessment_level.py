"""How far an installation is: name, service pack, why its build is what it is, the month of its revision, branches."""

from collections.abc import Iterator

from buildlab.inference.assessment_subject import Assessed, statement
from buildlab.inference.branch import conclude_branch
from buildlab.knowledge.disputes import disputes
from buildlab.knowledge.periods import period
from buildlab.knowledge.servicing import BuildChange, build_change_of, service_pack_of
from buildlab.knowledge.updates import NT60, RevisionMatch, match_revision, update_of_kb
from buildlab.results.assessment import Answer, Statement
from buildlab.results.scan import Update
from buildlab.windows.build_lab import parse_file_version_text
from buildlab.windows.kb import kb_number
from buildlab.windows.version import NtVersion

_FILES = ("kernel", "kernel-pae", "hal", "ntdll", "servicing_stack.wcp.dll", "servicing_stack.cbscore.dll")
_WITH_KERNEL = ("monthly-rollup", "security-only", "preview", "other")
"""Classes of updates that bring a kernel; ``other`` are the out-of-band ones."""
_ON_DISK = ("installed", "superseded", "partially-installed", "install-pending", "uninstall-pending")
_ANY_REVISION = 0xFFFF


def level_statements(subject: Assessed) -> Iterator[Statement]:
    """Everything about the level."""
    yield from _release(subject)
    yield from _service_pack(subject)
    change = build_change_of(subject.identity.version) if subject.identity.version is not None else None
    if change is not None and subject.identity.build in (change.before, change.after):
        yield _why_this_build(subject, change)
        yield from _accounts(subject, change)
        yield from _client(subject, change)
    yield _revision(subject)
    yield from _branches(subject)


def _release(subject: Assessed) -> Iterator[Statement]:
    identity, known = subject.identity, subject.known
    if identity.build is None:
        yield statement("release", "unknown", "no source states the build")
        return
    if known is None:
        words = f"build {identity.build} of Windows {identity.version or 'unknown'} is not in the bundled data"
        yield statement("release", "unknown", words, because=identity.because)
        return
    client = " ".join(filter(None, (known.client, known.client_release)))
    names = {"client": client, "server": known.server}
    name = names[subject.side] if subject.side is not None else None
    name = name or " or ".join(filter(None, names.values()))
    words = f"build {known.build} is {' '.join(filter(None, (name, known.service_pack)))}; released: {known.released}"
    told = subject.facts("system.product_type") if subject.side is not None else ()
    because = (*identity.because, *told)
    yield statement(
        "release", None, words, value=name or None, because=because, source=known.source, confidence=known.confidence
    )
    if known.enablement_over is not None:
        is_enabled = identity.rule == "enablement"
        files = f"the files are those of build {known.enablement_over}"
        words = f"{files}; an enablement package makes them {known.build}"
        yield statement(
            "enablement",
            "yes" if is_enabled else "unknown",
            words if is_enabled else f"{words}, but no kernel was read that shows it",
            value=str(known.enablement_over),
            because=identity.because,
            source=known.source,
            confidence=known.confidence,
        )


def _service_pack(subject: Assessed) -> Iterator[Statement]:
    wanted = service_pack_of(subject.identity.version) if subject.identity.version is not None else None
    if wanted is None:
        return
    found = subject.identity.service_pack
    package = subject.updates.get(wanted.kb)
    stated = subject.facts("registry.csd_version", "system.csd_version")
    because = (*stated, *(package.because if package is not None else ()))
    by_build = subject.known is not None and subject.known.service_pack == wanted.name
    if found == wanted.name:
        words = f"{found}, which updates need" + (f"; {wanted.kb} is {package.state}" if package is not None else "")
        yield statement("service-pack", "yes", words, value=found, because=because, source=wanted.source)
    elif found is not None or (subject.known is not None and not by_build):
        words = f"{found or 'no service pack'}; updates need {wanted.name} ({wanted.kb})"
        because = because or subject.identity.because
        yield statement("service-pack", "no", words, value=found, because=because, source=wanted.source)
    else:
        words = f"no hive states a service pack; the build would be that of {wanted.name}" if by_build else "not stated"
        yield statement("service-pack", "unknown", words, because=subject.identity.because, source=wanted.source)


def _why_this_build(subject: Assessed, change: BuildChange) -> Statement:
    """Which update on this image turned the build, by the bundled data and the times of installation."""
    sure, disputed = _bringers(subject, change)
    because = (*subject.identity.because, *(fact for update in (*sure, *disputed) for fact in update.because))
    first = sure[0] if sure else None

    def say(answer: Answer, words: str, value: str | None = None) -> Statement:
        return statement(
            "build-change",
            answer,
            words,
            value=value,
            because=because,
            source=change.source,
            confidence=change.confidence,
        )

    if subject.identity.build == change.before:
        if first is not None:
            return say("no", f"the kernel is {change.before}, though {_called(first)} brings {change.after}")
        if disputed:
            return say(
                "no",
                f"the kernel is {change.before}, and {_called(disputed[0])} is there, by one account the first to "
                f"bring {change.after}: on this image it did not",
            )
        return say("no", f"no update that turns {change.before} into {change.after} is there")
    prefix = f"{change.words}: {change.after} is {change.before} under another number"
    if disputed and (first is None or _time(disputed[0]) <= _time(first)):
        others = f"{disputed[0].kb} or {first.kb}" if first is not None else disputed[0].kb
        words = f"{prefix}; which of them brought it here is disputed: {_called(disputed[0])}"
        words += f", then {_called(first)}" if first is not None else ""
        return say("disputed", words, others)
    if first is not None:
        return say("yes", f"{prefix}; the first update here that brings it is {_called(first)}", first.kb)
    missing = "no update on the image is known to bring it"
    return say("unknown", f"{prefix}; {missing if subject.list_is_known else 'the list of packages was not read'}")


def bringers_of_build(subject: Assessed, change: BuildChange) -> tuple[Update, ...]:
    """The updates on the image that bring the later build by any account."""
    sure, disputed = _bringers(subject, change)
    return (*sure, *disputed)


def _bringers(subject: Assessed, change: BuildChange) -> tuple[list[Update], list[Update]]:
    """The updates on the image that bring the later build, the first installed first; those it is disputed of."""
    sure: list[Update] = []
    disputed: list[Update] = []
    for update in subject.installation.updates:
        known = update_of_kb(update.kb)
        if known is None or update.state not in _ON_DISK or known.classification not in _WITH_KERNEL:
            continue
        if known.kb == change.disputed:
            disputed.append(update)
        elif known.version.build == change.after if known.version is not None else known.month >= change.first_month:
            sure.append(update)
    return sorted(sure, key=_time), sorted(disputed, key=_time)


def _time(update: Update) -> tuple[bool, str, int]:
    """By time of installation; what has none comes last, by number."""
    return update.installed_at is None, update.installed_at or "", kb_number(update.kb)


def _called(update: Update) -> str:
    known = update_of_kb(update.kb)
    kind = f", {known.kind_words}" if known is not None else ""
    when = update.state if update.installed_at is None else update.installed_at[:10]
    mark = " by its key's last change" if update.installed_at_source == "key-last-write" else ""
    return f"{update.kb} ({when}{mark}{kind})"


def _accounts(subject: Assessed, change: BuildChange) -> Iterator[Statement]:
    """Both accounts of what first brought the build, where the image is one of that build."""
    if subject.identity.build != change.after:
        return
    for dispute in disputes():
        if dispute.build == change.after:
            claims = "; ".join(f"{claim.says} [{claim.confidence}: {claim.who}]" for claim in dispute.claims)
            yield statement(
                "build-change.first-update",
                "disputed",
                f"{dispute.question} {claims}",
                value=", ".join(dispute.updates),
                because=subject.identity.because,
                source="; ".join(claim.who for claim in dispute.claims),
                confidence=change.confidence,
            )


def _client(subject: Assessed, change: BuildChange) -> Iterator[Statement]:
    """Windows Vista under the number of its server sibling."""
    if subject.side != "client" or subject.identity.build != change.after:
        return
    vista = period("vista")
    words = (
        f"a client: Windows Vista that updates of Windows Server 2008 turned into {change.after}; "
        f"{vista.last} is {vista.words}"
    )
    because = (*subject.facts("system.product_type"), *subject.identity.because)
    yield statement("vista-as-6003", "yes", words, because=because, source=vista.source, confidence=vista.confidence)


def _revision(subject: Assessed) -> Statement:
    """The month of the revision, with its neighbours; without a table, the revision itself."""
    identity, match = subject.identity, subject.match
    if identity.revision is None:
        return statement("revision-level", "unknown", "no source states the revision", because=identity.because)
    value = f"{identity.build}.{identity.revision}"
    if not subject.is_nt60 or identity.build not in (6002, 6003):
        words = f"revision {identity.revision}; the bundled data has no months of this Windows"
        return statement("revision-level", None, words, value=value, because=identity.because)
    if match is None:
        return _below_the_table(subject, value)
    known = next((one for one in match.updates if one.version is not None), None)
    return statement(
        "monthly-level",
        None,
        month_words(match),
        value=match.month,
        because=identity.because,
        source=None if known is None else known.source,
        confidence=None if known is None else known.confidence,
    )


def _below_the_table(subject: Assessed, value: str) -> Statement:
    model = period("rollup-model")
    return statement(
        "monthly-level",
        "no",
        f"revision {value} is below that of every monthly rollup and security-only update since {model.first}",
        because=subject.identity.because,
        source=model.source,
        confidence=model.confidence,
    )


def month_words(match: RevisionMatch) -> str:
    """The month in a sentence; a revision never names one update."""
    updates = ", ".join(f"{update.kb} ({update.kind_words})" for update in match.updates)
    words = (
        f"revision {match.revision} is that of {match.month}"
        if match.exact
        else (
            f"revision {match.revision} is not in the table; the newest month below it is {match.month} "
            f"({match.month_revision})"
        )
    )
    words += f": {updates}" if updates else ""
    if match.unnumbered and not match.exact:
        words += f"; or of {', '.join(match.unnumbered)}, whose revision is not known"
    before = match.previous or _last_of_the_build_before(match)
    neighbours = [f"before it {before[0]} ({before[1]})"] if before is not None else []
    if match.following is not None:
        neighbours.append(f"after it {match.following[0]} ({match.following[1]})")
    return "; ".join((words, *neighbours))


def _last_of_the_build_before(match: RevisionMatch) -> tuple[str, str] | None:
    change = build_change_of(NT60)
    if change is None or match.build != change.after:
        return None
    last = match_revision(change.before, _ANY_REVISION)
    return None if last is None else (last.month, f"{change.before}.{last.month_revision}")


def _branches(subject: Assessed) -> Iterator[Statement]:
    """The branch of each file that was read; one Windows may hold files of both."""
    for name in _FILES:
        fact, text_fact = (
            subject.evidence.first(f"{name}.file_version"),
            subject.evidence.first(f"{name}.file_version_text"),
        )
        version = None if fact is None else NtVersion.parse(str(fact.value))
        if fact is None or version is None:
            continue
        text = None if text_fact is None else parse_file_version_text(str(text_fact.value))
        branch = conclude_branch(version, None if text is None else text.lab)
        if branch is not None:
            yield statement(
                f"branch.{name}",
                None,
                f"{fact.source.path}: {version} is {branch.name} (by {branch.rule})",
                value=branch.name,
                because=subject.facts(f"{name}.file_version", f"{name}.file_version_text"),
            )
