"""``buildlab timeline``."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import typer

from buildlab.cli.options import (
    AsOfOption,
    KindOption,
    ParentOption,
    PasswordOption,
    QuietOption,
    RecoveryKeyOption,
    VerboseOption,
    kind_of,
    moment_of,
)
from buildlab.cli.output import parse_outputs, write_reports
from buildlab.cli.progress import progress_line

if TYPE_CHECKING:
    from buildlab.inference.timeline import TimelineFilter

_Word = TypeVar("_Word", bound=str)
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


def timeline(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Image, folder or hive; disk.vhd#2@shadow1")],
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FORMAT[=FILE]",
            help="text, json, jsonl, csv, bodyfile or l2tcsv; may be repeated. Default: text.",
        ),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=_MOMENTS, help="Only what happened then or later (UTC).")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_MOMENTS, help="Only what happened before (UTC).")] = None,
    kb: Annotated[list[str] | None, typer.Option(help="Only of this update; repeatable.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only this kind of event; repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only from this source; repeatable.")] = None,
    shadows: Annotated[
        bool, typer.Option("--shadows", help="Compare the updates in the shadow copies of each volume.")
    ] = False,
    kind: KindOption = None,
    parent: ParentOption = None,
    recovery_key: RecoveryKeyOption = None,
    password: PasswordOption = None,
    no_replay: Annotated[bool, typer.Option("--no-replay", help="Read dirty hives as they are, without logs.")] = False,
    as_of: AsOfOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell when which servicing event happened, from the registry, the logs of servicing and of the update agent."""
    from buildlab.cli.keys import parse_keys
    from buildlab.operations.scan import ScanOptions
    from buildlab.operations.timeline import TimelineOptions
    from buildlab.operations.timeline import timeline as run
    from buildlab.sources.address import address_path

    outputs = parse_outputs(output, "timeline", evidence=[address_path(target)])
    timeline_options = TimelineOptions(
        scan=ScanOptions(
            kind=kind_of(kind),
            parents=tuple(parent or ()),
            replay=not no_replay,
            keys=parse_keys(recovery_key, password),
            as_of=moment_of(as_of).date(),
        ),
        wanted=_filter(since, until, kb, event, source),
        shadows=shadows,
    )
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        found = run(target, timeline_options, tell)
    write_reports(outputs, found)
    raise typer.Exit(found.exit.code)


def _filter(
    since: datetime | None,
    until: datetime | None,
    kbs: list[str] | None,
    events: list[str] | None,
    sources: list[str] | None,
) -> "TimelineFilter":
    """What is wanted; a word that there is not is a usage error."""
    from buildlab.evidence.history_event import EventWord, HistorySource
    from buildlab.inference.timeline import TimelineFilter

    return TimelineFilter(
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
        kbs=frozenset(_kb(text) for text in kbs or ()),
        events=frozenset(_word("--event", text, get_args(EventWord)) for text in events or ()),
        sources=frozenset(_word("--source", text, get_args(HistorySource)) for text in sources or ()),
    )


def _kb(text: str) -> str:
    from buildlab.windows.kb import find_kb

    found = find_kb(text if text.upper().startswith("KB") else f"KB{text}")
    if found is None:
        raise typer.BadParameter(f"{text!r} is no number of an update", param_hint="--kb")
    return found


def _word(option: str, text: str, words: tuple[_Word, ...]) -> _Word:
    for word in words:
        if word == text:
            return word
    raise typer.BadParameter(f"no {text!r}; there are: {', '.join(words)}", param_hint=option)
