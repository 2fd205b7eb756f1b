"""Nothing is pending on the image.

Servicing an image offline while packages, sessions, a `pending.xml` or a restart wait leaves it in a state that the
next start may undo. What other installers left as pending file renames does not count.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome

_ONLY_HIVES = "hive-only"
_HIVES = ("software-hive", "pending.reboot", "pending.packages", "pending.sessions", "pending.xml")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    pending = context.installation.pending
    waiting = [
        f"{package.identity} is {package.state}"
        for package in context.installation.packages
        if package.state in ("install-pending", "uninstall-pending")
    ]
    in_progress = context.facts("pending.reboot_in_progress")
    found = [
        words
        for present, words in (
            (pending.reboot or in_progress, "a restart"),
            (pending.packages, f"{pending.packages} packages"),
            (pending.sessions, f"{pending.sessions} sessions"),
            (pending.pending_xml, "pending.xml"),
            (waiting, f"{len(waiting)} packages by their state"),
        )
        if present
    ]
    unread = [gap for gap in context.installation.gaps if gap.subject in _HIVES and gap.kind != "not-applicable"]
    if found:
        facts = tuple(one.fact for one in context.installation.packages if one.state.endswith("-pending"))
        yield RuleOutcome(
            outcome="fail",
            message=f"the image waits: {', '.join(found)}",
            observed=", ".join(found),
            expected="nothing",
            evidence=(*pending.because, *in_progress, *facts),
            remedy="start the image once and let servicing finish, or revert the pending actions",
        )
    elif unread or not context.image.list_is_known:
        yield RuleOutcome(outcome="unknown", message="not everything that tells of pending work could be read")
    elif context.installation.kind == _ONLY_HIVES:
        message = "nothing waits by the registry; whether there is a pending.xml cannot be told without files"
        yield RuleOutcome(outcome="unknown", message=message)
    else:
        message = "nothing of servicing waits on the image"
        yield RuleOutcome(outcome="pass", message=message, evidence=context.facts("pending."))


PENDING_WORK = Rule(
    id="R14",
    title="Nothing is pending on the image",
    severity="block",
    source="Component Based Servicing: PackagesPending, SessionsPending, RebootPending, pending.xml",
    check=_check,
)
