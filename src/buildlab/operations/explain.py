"""Explain a word from the bundled data: a version, revision, build, lab, KB, package state or identity, or rule."""

import re
from collections.abc import Callable

from buildlab.knowledge.branches import branch_of_revision
from buildlab.knowledge.builds import Build, build_of, builds_of_lab
from buildlab.knowledge.disputes import disputes, stories
from buildlab.knowledge.state_meanings import state_meaning
from buildlab.knowledge.support import SupportPhase, support_phases
from buildlab.knowledge.updates import KnownUpdate, match_revision, update_of_kb
from buildlab.operations.explain_package import identity_details, is_known_version
from buildlab.operations.explain_rule import explain_rule
from buildlab.results.explanation import Detail, Explanation, WordKind
from buildlab.windows.build_lab import parse_build_lab, parse_build_lab_ex, parse_lab
from buildlab.windows.kb import kb_of_package_name
from buildlab.windows.package_identity import parse_package_identity
from buildlab.windows.states import API_STATES, PackageState, all_package_states, package_state
from buildlab.windows.version import NtVersion

_KB = re.compile(r"kb\s?(\d{5,8})", re.IGNORECASE)
_HEX = re.compile(r"-?0x[0-9a-f]{1,8}", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,5}")
_VERSION = re.compile(r"(\d+\.\d+\.\d+\.\d+)(?:\s.*)?")
_BUILD_VERSION = re.compile(r"(\d+\.\d+)\.(\d{4,5})")
_LAB = re.compile(r"[A-Za-z0-9_]*[A-Za-z][A-Za-z0-9_()]*")
_MANIFEST_ENDING = re.compile(r"\.(?:mum|cat)$", re.IGNORECASE)
_LARGEST_STATE = 128
_NT60_BUILDS = (6003, 6002)
"""The builds whose monthly revisions are in the table of updates."""


def explain(word: str) -> Explanation:
    """What is known about `word`. A word that nothing is known about is an answer too, with `known` False."""
    text = word.strip()
    for reading in _READINGS:
        explanation = reading(text)
        if explanation is not None:
            return explanation
    return Explanation(
        word=word,
        kind="unknown",
        known=False,
        summary="not known here; try a version (6.0.6003.20489), a build, a revision, a lab, a KB, a state (0x65), "
        "the identity of a package or a rule (R4)",
        details=(),
    )


def _answer(word: str, kind: WordKind, known: bool, summary: str, details: list[Detail]) -> Explanation:
    return Explanation(word=word, kind=kind, known=known, summary=summary, details=tuple(details))


def _explain_kb(text: str) -> Explanation | None:
    match = _KB.fullmatch(text)
    if match is None:
        return None
    kb = f"KB{match[1]}"
    update = update_of_kb(kb)
    if update is None:
        return _answer(text, "kb", False, "an update that the bundled data does not know", [])
    details = [Detail(label="released", text=update.date)]
    if update.version is not None:
        details.append(Detail(label="brings", text=f"{update.version} ({update.version_basis})"))
    if update.supersedes:
        details.append(Detail(label="supersedes", text=", ".join(update.supersedes)))
    if update.prerequisites:
        details.append(Detail(label="needs", text="; ".join(update.prerequisites)))
    details.append(_source(update))
    details += _disputes(lambda dispute_updates, _: kb in dispute_updates)
    return _answer(text, "kb", True, f"{update.kind_words} for Windows Server 2008 SP2", details)


def _explain_package(text: str) -> Explanation | None:
    """An identity, or the name of a manifest or catalogue, which is an identity with an ending."""
    identity = parse_package_identity(_MANIFEST_ENDING.sub("", text))
    if identity is None:
        return None
    named = kb_of_package_name(identity.name)
    of_kb = _explain_kb(named.kb) if named is not None else None
    details = identity_details(identity)
    if named is None:
        return _answer(text, "package", is_known_version(identity.nt_version), "a package", details)
    summary = f"a package of {named.kb}"
    if of_kb is not None:
        summary += f", {of_kb.summary}"
        details += of_kb.details
    return _answer(text, "package", True, summary, details)


def _source(update: KnownUpdate) -> Detail:
    return Detail(label="source", text=update.source, confidence=update.confidence)


def _explain_version(text: str) -> Explanation | None:
    match = _VERSION.fullmatch(text)
    version = NtVersion.parse(match[1]) if match is not None else None
    if version is None:
        return None
    build = _build_of_windows(version.windows, version.build)
    if build is None:
        summary = f"Windows {version.windows} has no build {version.build} that the bundled data knows"
        return _answer(text, "version", False, summary, [])
    details = _build_details(build)
    details += _branch_details(version.windows, version.revision)
    details += _month_details(version.build, version.revision)
    details += _disputes(lambda _, of_build: of_build == version.build)
    return _answer(text, "version", True, f"{_build_summary(build)}, revision {version.revision}", details)


def _build_of_windows(windows: str, number: int) -> Build | None:
    """A build, if it is one of this Windows version: 6003 is 6.0 and no other."""
    build = build_of(number)
    return build if build is not None and build.windows == windows else None


def _explain_build_version(text: str) -> Explanation | None:
    match = _BUILD_VERSION.fullmatch(text)
    if match is None:
        return None
    if _build_of_windows(match[1], int(match[2])) is None:
        summary = f"Windows {match[1]} has no build {match[2]} that the bundled data knows"
        return _answer(text, "build", False, summary, [])
    return _explain_build(text, int(match[2]))


def _explain_state(text: str) -> Explanation | None:
    states = _states_of(text)
    if not states:
        return _explain_api_state(text)
    details: list[Detail] = []
    for state in states:
        meaning = state_meaning(state.code)
        words = "" if meaning is None else f": {meaning.meaning}"
        details.append(Detail(label="code", text=f"{state.code:#x} ({state.code}), {state.name}{words}"))
        if meaning is not None:
            details.append(Detail(label="installed?", text=meaning.counts_as_installed))
            details.append(Detail(label="source", text=meaning.source))
    first = states[0]
    meaning = state_meaning(first.code)
    if meaning is None:
        return _answer(text, "state", False, "a package state that is not known", details)
    if len(states) > 1:
        return _answer(text, "state", True, f"the word for {len(states)} package states", details)
    details.insert(1, Detail(label="word", text=first.word))
    return _answer(text, "state", True, f"package state {first.name}. {meaning.meaning}", details)


def _states_of(text: str) -> list[PackageState]:
    """A code in hexadecimal, a small one in decimal, a name, or a word, which may stand for several codes."""
    if _HEX.fullmatch(text):
        return [package_state(int(text, 16))]
    if _NUMBER.fullmatch(text) and abs(int(text)) <= _LARGEST_STATE:
        state = package_state(int(text))
        return [] if state.word == "unknown" and int(text) in API_STATES else [state]
    folded = text.lower().replace(" ", "-")
    return [
        state
        for state in all_package_states()
        if folded == state.name.lower() or (folded == state.word and state.word != "unknown")
    ]


def _explain_api_state(text: str) -> Explanation | None:
    """Numbers that only the other enumeration has: that of the servicing API and CBS.log."""
    if not _NUMBER.fullmatch(text) or int(text) not in API_STATES:
        return None
    summary = f"state {API_STATES[int(text)]} of the servicing API and CBS.log; it never stands in CurrentState"
    return _answer(text, "state", True, summary, [Detail(label="code", text=text)])


def _explain_number(text: str) -> Explanation | None:
    if not _NUMBER.fullmatch(text) or int(text) < 0:
        return None
    number = int(text)
    if build_of(number) is not None:
        return _explain_build(text, number)
    months = [detail for build in _NT60_BUILDS for detail in _month_details(build, number)]
    details = [*_branch_details("6.0", number), *months]
    known = bool(months)
    summary = "a revision of Windows Server 2008 SP2" if known else "neither a build nor a revision that is known"
    return _answer(text, "revision", known, summary, details)


def _explain_build(text: str, number: int) -> Explanation:
    build = build_of(number)
    if build is None:
        return _answer(text, "build", False, "a build that the bundled data does not know", [])
    details = _build_details(build)
    details += _disputes(lambda _, of_build: of_build == number)
    return _answer(text, "build", True, _build_summary(build), details)


def _build_summary(build: Build) -> str:
    names = [
        " ".join(filter(None, (build.client, build.client_release))) if build.client else None,
        build.server,
    ]
    named = " / ".join(name for name in names if name)
    return " ".join(filter(None, (f"build {build.windows}.{build.build}:", named, build.service_pack)))


def _build_details(build: Build) -> list[Detail]:
    details = [
        Detail(label="released", text=build.released),
        Detail(label="labs", text=", ".join(build.labs)),
    ]
    if build.enablement_over is not None:
        text = f"enabled over the files of build {build.enablement_over}, whose version they keep"
        details.append(Detail(label="enablement", text=text))
    if build.note:
        details.append(Detail(label="note", text=build.note))
    details.append(Detail(label="source", text=build.source, confidence=build.confidence))
    details += [
        Detail(label="support", text=_support_words(phase), source=phase.source, confidence=phase.confidence)
        for phase in support_phases(build.build)
    ]
    details += [
        Detail(label="story", text=story.text, source=story.source, confidence=story.confidence)
        for story in stories()
        if story.build == build.build
    ]
    return details


def _support_words(phase: SupportPhase) -> str:
    whom = " ".join(filter(None, (phase.side, *phase.architectures)))
    words = f"{whom + ': ' if whom else ''}{phase.phase} until {phase.ends}"
    words += f", with {phase.licence}" if phase.licence is not None else ""
    return f"{words} ({phase.words})" if phase.words else words


def _branch_details(windows: str, revision: int) -> list[Detail]:
    branch = branch_of_revision(windows, revision)
    if branch is None:
        return []
    text = f"{branch.branch} by its range {branch.first} to {branch.last} ({branch.strength})"
    return [Detail(label="branch", text=text, source=branch.source, confidence=branch.confidence)]


def _month_details(build: int, revision: int) -> list[Detail]:
    """The month that a revision belongs to, with its neighbours; a revision is never that of one update alone."""
    match = match_revision(build, revision)
    if match is None:
        return []
    updates = ", ".join(f"{update.kb} ({update.kind_words})" for update in match.updates)
    if match.following is None and not match.exact:
        text = f"newer than all that is known; the newest is {match.month} with {match.month_revision}: {updates}"
        return [Detail(label=f"month ({build})", text=text)]
    exact = "exactly" if match.exact else f"not in the table itself; the newest below it is {match.month_revision}"
    around = [
        f"{word} {item[0]} with {item[1]}"
        for word, item in (("before it", match.previous), ("after it", match.following))
        if item is not None
    ]
    around += [f"{month} between, whose number is not known" for month in match.unnumbered]
    details = [
        Detail(label=f"month ({build})", text=f"{match.month}, {exact}"),
        Detail(label="neighbours", text=", ".join(around) or "none known"),
        Detail(label="one of", text=updates),
    ]
    if match.unnumbered and not match.exact:
        others = ", ".join(f"{update.kb} ({update.kind_words})" for update in match.updates_of_unnumbered())
        details.append(Detail(label="or one of", text=f"{others}, as that month's number is not known"))
    return details


def _disputes(concerns: Callable[[tuple[str, ...], int], bool]) -> list[Detail]:
    details: list[Detail] = []
    for dispute in disputes():
        if concerns(dispute.updates, dispute.build):
            details.append(Detail(label="disputed", text=dispute.question))
            details += [
                Detail(label="claim", text=claim.says, source=claim.who, confidence=claim.confidence)
                for claim in dispute.claims
            ]
            details.append(Detail(label="conclusion", text=dispute.assessment))
    return details


def _explain_lab(text: str) -> Explanation | None:
    lab_ex, lab_build = parse_build_lab_ex(text), parse_build_lab(text)
    lab = lab_ex.lab if lab_ex else (lab_build.lab if lab_build else parse_lab(text))
    if lab is None and not _LAB.fullmatch(text):
        return None
    name = lab.branch if lab is not None else text.partition("(")[0]
    found = builds_of_lab(name)
    details = [Detail(label="build", text=_build_summary(build)) for build in found]
    if lab is not None and lab.is_constant:
        details.append(Detail(label="constant", text="stands in every public build since Windows 10: no lab, no date"))
    elif lab is not None and lab.compiled is not None:
        details.append(Detail(label="compiled", text=lab.compiled.strftime("%Y-%m-%d %H:%M, local time of the lab")))
    if lab_ex is not None:
        architecture = lab_ex.architecture or "not known"
        details.append(Detail(label="BuildLabEx", text=f"build {lab_ex.build}.{lab_ex.revision}, {architecture}"))
    if not found and lab is None:
        return None
    summary = f"lab {name}" + ("" if found else ", which the bundled data does not know")
    return _answer(text, "lab", bool(found) or (lab is not None and lab.is_constant), summary, details)


_READINGS: tuple[Callable[[str], Explanation | None], ...] = (
    explain_rule,
    _explain_package,
    _explain_kb,
    _explain_version,
    _explain_build_version,
    _explain_state,
    _explain_number,
    _explain_lab,
)
