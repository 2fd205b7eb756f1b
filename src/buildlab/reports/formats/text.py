"""Text for people: a line to copy first, details after it."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING

from buildlab.reports.assessment_text import assessment_lines
from buildlab.reports.check_text import check_text
from buildlab.reports.diff_text import diff_text
from buildlab.reports.knowledge_text import knowledge_text
from buildlab.reports.package_text import package_set_text
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import LABEL_WIDTH, LINE_WIDTH, error_line, line, plain
from buildlab.reports.timeline_text import installation_timeline_lines, timeline_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildlab.results.component_store import ComponentStore
    from buildlab.results.explanation import Explanation
    from buildlab.results.scan import Conflict, Identity, Installation, Scan, Update, VolumeSummary

_LIST_UNAVAILABLE = ("software-hive", "packages")
_LIST_BEFORE_VISTA = "registered-updates.key"


def headline(identity: Identity) -> str:
    """``6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700) AMD64 Windows Server 2008 Enterprise SP2``."""
    numbers = (identity.version, identity.build, identity.revision)
    version = ".".join(str(number) for number in numbers if number is not None)
    parts = [version if identity.build is not None else "unknown version"]
    if identity.build_lab is not None:
        parts.append(f"({identity.build_lab})")
    parts.append(identity.architecture or "unknown architecture")
    if identity.product is not None:
        parts.append(identity.product)
    if identity.service_pack is not None:
        parts.append(identity.service_pack.replace("Service Pack ", "SP"))
    return plain(" ".join(parts))


def _scans(scans: Sequence[Scan]) -> str:
    return "\n".join("\n".join(_scan(scan)) + "\n" for scan in scans)


def _scan(scan: Scan) -> Iterator[str]:
    for installation in scan.installations:
        yield from _installation(scan, installation)
        yield ""
    for volume in scan.volumes:
        yield from _volume(volume)
    for error in scan.errors:
        yield error_line(error, scan.target.path)
    if scan.installations:
        yield line("exit", f"{scan.exit.code}, {scan.exit.reason}")


def _volume(volume: VolumeSummary) -> Iterator[str]:
    """What is to be known of a volume whatever was found on it."""
    name = f"volume {volume.number}"
    if volume.encryption is not None:
        how = volume.encryption
        by = "decrypted" if how.unlocked_by == "none" else f"{how.method}, unlocked by its {how.unlocked_by}"
        yield line("encryption", f"{name}: {how.scheme}, {by}")
    copies = [f"{copy.number} of {copy.created or 'unknown time'}" for copy in volume.shadow_copies]
    if volume.shadow_copy is not None:
        yield line("shadow copy", f"{name} as shadow copy {copies[volume.shadow_copy - 1]} has it")
    elif copies:
        first, *rest = wrap(f"{name}: {', '.join(copies)}", LINE_WIDTH - LABEL_WIDTH, break_on_hyphens=False)
        yield line("shadow copies", first)
        yield from (line("", more) for more in rest)


def _installation(scan: Scan, installation: Installation) -> Iterator[str]:
    identity = installation.identity
    yield headline(identity)
    yield line("target", f"{scan.target.path} ({scan.target.kind}), {installation.location}")
    if scan.target.sha256 is not None:
        yield line("sha256", scan.target.sha256)
        for file in scan.target.files[1:]:
            yield line("", f"{file.sha256 or 'not known'} ({file.path})")
    if installation.kind != "windows":
        yield line("kind", installation.kind)
    yield from _identity(identity)
    stack = installation.servicing_stack
    yield line("stack", f"{stack.version} ({stack.source})" if stack.version else "not found")
    yield from _component_store(installation.component_store)
    yield line("pending", _pending(installation))
    for conflict in installation.conflicts:
        yield from _conflict(conflict, installation)
    yield from _updates(installation)
    if installation.assessment is not None:
        yield from assessment_lines(installation.assessment, scan.as_of)
    for gap in installation.gaps:
        if gap.kind != "not-applicable":
            where = f" {gap.path}:" if gap.path else ""
            yield line("not read", f"{gap.subject} ({gap.kind}):{where} {gap.reason}")
    for check in installation.integrity:
        if check.outcome != "ok":
            yield line("integrity", f"{check.path}: {check.check} {check.outcome}: {check.detail}")
    if installation.timeline is not None:
        yield from installation_timeline_lines(installation.timeline)


def _component_store(store: ComponentStore | None) -> Iterator[str]:
    if store is None:
        return
    yield line(
        "store", f"{store.components} components, {store.deployments} deployments, {store.catalogues} catalogues"
    )
    winners = (("kernel", store.kernel_winner), ("servicing stack", store.stack_winner))
    held = ", ".join(f"{what} {version}" for what, version in winners if version is not None)
    if held:
        yield line("", f"newest installed: {held}")
    if store.corrupt_at is not None:
        yield line("", f"marked as corrupt: {store.corrupt_at}")


def _identity(identity: Identity) -> Iterator[str]:
    words = (identity.edition, identity.installation_type, identity.product_type)
    if any(words):
        yield line("edition", ", ".join(word or "-" for word in words))
    if identity.product_raw is not None and identity.product_raw != identity.product:
        yield line("product", f"called {identity.product_raw!r} by the registry")
    if identity.kernel is not None:
        text = identity.kernel.file_version_text or identity.kernel.file_version or "no version"
        yield line("kernel", f"{text}, machine {identity.kernel.machine} ({identity.kernel.path})")
    if identity.registry is not None:
        registry = identity.registry
        ubr = "" if registry.ubr is None else f".{registry.ubr}"
        yield line("registry", f"build {registry.current_build}{ubr}, BuildLab {registry.build_lab or '-'}")
        if registry.build_lab_ex is not None:
            yield line("", f"BuildLabEx {registry.build_lab_ex}")
    if identity.servicing_branch is not None:
        yield line("branch", f"{identity.servicing_branch} (by {identity.servicing_branch_rule})")
    if identity.install_date is not None:
        yield line("installed", identity.install_date)
    yield line("verdict", identity.verdict + (f" (decided by {identity.rule})" if identity.rule else ""))


def _pending(installation: Installation) -> str:
    pending = installation.pending
    found = [
        text
        for present, text in (
            (pending.reboot, "restart"),
            (pending.packages, f"{pending.packages} packages"),
            (pending.sessions, f"{pending.sessions} sessions"),
            (pending.pending_xml, "pending.xml"),
            (pending.file_renames, f"{pending.file_renames} file renames"),
            (pending.unserviceable, "marked as unserviceable"),
        )
        if present
    ]
    if found:
        return ", ".join(found)
    return "unknown" if _list_is_unavailable(installation) else "nothing"


def _conflict(conflict: Conflict, installation: Installation) -> Iterator[str]:
    paths = {fact.id: fact.source.path for fact in installation.facts}
    values = ", ".join(f"{value.value} in {paths.get(value.fact, value.fact)}" for value in conflict.values)
    yield line("conflict", f"{conflict.subject}: {values}")
    yield line("", f"{conflict.explanation}: {conflict.note}")


def _list_is_unavailable(installation: Installation) -> bool:
    if installation.packages or any(fact.subject == _LIST_BEFORE_VISTA for fact in installation.facts):
        return False
    return any(gap.subject in _LIST_UNAVAILABLE for gap in installation.gaps)


def _updates(installation: Installation) -> Iterator[str]:
    """ "None found" and "could not look" are different answers."""
    if _list_is_unavailable(installation):
        yield line("updates", "not known: there is no list of packages to read")
        return
    states = Counter(update.state for update in installation.updates)
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    total = len(installation.packages)
    where = f" in {total} packages" if total else ""
    yield line("updates", f"{len(installation.updates)} ({counts or 'none'}){where}")
    for update in installation.updates:
        yield _update(update)
    yield from _updates_without_kb(installation)
    yield from _failures(installation)


def _failures(installation: Installation) -> Iterator[str]:
    """Errors of installed packages lie in the past; those of leftovers say why an update is not there."""
    failed = [package for package in installation.packages if package.last_error is not None]
    for label, packages in (
        ("leftovers", [package for package in failed if package.leftover]),
        ("last errors", [package for package in failed if not package.leftover]),
    ):
        if packages:
            first = packages[0]
            name = f" {first.last_error_name}" if first.last_error_name is not None else ""
            yield line(label, f"{len(packages)} packages, the first: {first.identity} {first.last_error}{name}")


def _updates_without_kb(installation: Installation) -> Iterator[str]:
    """Updates that only a version names, as their manifest is missing: never a KB that is guessed."""
    for package in installation.packages:
        if package.kb is None and package.unnamed_update:
            when = (package.installed_at or "-")[:10]
            revision = f", revision {package.revision}" if package.revision is not None else ""
            either = f", one of {', '.join(package.kb_candidates)}" if package.kb_candidates else ""
            what = f"{package.name} {package.version}{revision}{either}"
            yield plain(f"    {'KB unknown':<11}{package.state:<22}{when:<13}{what}")


def _update(update: Update) -> str:
    state = f"{update.state}, permanent" if update.permanent else update.state
    when = (update.installed_at or "-")[:10] + ("*" if update.installed_at_source == "key-last-write" else "")
    what = update.classification or update.release_type or "-"
    if update.superseded_by:
        what += f", superseded by {update.superseded_by[0]}"
    if update.leftover:
        what += ", left by a failed installation"
    if update.state == "mixed" and update.state_because:
        what += f": {update.state_because[0].sentence}"
    return plain(f"    {update.kb:<11}{state:<22}{when:<13}{what}".rstrip())


def _explanation(explanation: Explanation) -> str:
    lines = [f"{explanation.word}: {explanation.summary}"]
    for detail in explanation.details:
        origin = ": ".join(filter(None, (detail.confidence, detail.source)))
        text = f"{detail.text} [{origin}]" if origin else detail.text
        first, *rest = wrap(text, LINE_WIDTH - LABEL_WIDTH, break_on_hyphens=False) or [""]
        lines += [line(detail.label, first), *(line("", more) for more in rest)]
    return "\n".join(lines) + "\n"


TEXT = ReportFormat(
    name="text",
    scans=_scans,
    packages=package_set_text,
    explanation=_explanation,
    check=check_text,
    diff=diff_text,
    knowledge=knowledge_text,
    timeline=timeline_text,
)
