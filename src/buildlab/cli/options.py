"""Options that several commands have, and the values that they stand for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

EXIT_CODES = """Exit codes: 0 done, nothing against policy; 1 findings against policy; 2 usage; 3 input unreadable or
unsupported, or no Windows in it; 4 partial: some evidence or some targets failed; 5 internal error."""

OutputOption = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT[=FILE]",
        help="text, json or jsonl (check: also sarif, junit, markdown); may be repeated. Default: text.",
    ),
]
KindOption = Annotated[str | None, typer.Option(help="Take the target for this kind of container.")]
ParentOption = Annotated[
    list[Path] | None, typer.Option(help="A file that may be the parent of a differencing disk; repeatable.")
]
RecoveryKeyOption = Annotated[
    list[str] | None,
    typer.Option(help="Recovery key of a BitLocker volume: @FILE, env:NAME or the key; repeatable."),
]
PasswordOption = Annotated[
    list[str] | None,
    typer.Option(help="Password of a BitLocker volume: @FILE (one a line), env:NAME or the password; repeatable."),
]
RootOption = Annotated[
    list[Path] | None, typer.Option(help="A PEM file with roots to trust besides Microsoft's; repeatable.")
]
AsOfOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day for which everything is judged: today.")
]
JobsOption = Annotated[int, typer.Option("-j", "--jobs", min=0, help="Processes; 0 is one a core.")]
ExitZeroOption = Annotated[bool, typer.Option("--exit-zero", help="Turn exit code 1 into 0.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="No progress on stderr.")]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Every step on stderr, a line each.")]


def kind_of(kind: str | None) -> str | None:
    """The kind of container that was named; one that there is not is a usage error."""
    from buildlab.sources.container import container_kinds

    if kind is not None and kind not in container_kinds():
        raise typer.BadParameter(f"no kind {kind!r}; there are: {', '.join(container_kinds())}", param_hint="--kind")
    return kind


def moment_of(as_of: datetime | None) -> datetime:
    """The moment of the check: the beginning of the day given, in UTC, or now."""
    return datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)


def root_certificates(files: list[Path] | None) -> tuple[bytes, ...]:
    """The certificates of PEM files; a file without any is a usage error."""
    from buildlab.errors import FormatError
    from buildlab.readers.signature_roots import certificates_of_pem

    certificates: list[bytes] = []
    for file in files or ():
        try:
            found = certificates_of_pem(file.read_bytes())
        except (OSError, FormatError) as error:
            raise typer.BadParameter(f"{file}: {error}", param_hint="--root") from error
        if not found:
            raise typer.BadParameter(f"{file}: no certificate in it", param_hint="--root")
        certificates += found
    return tuple(certificates)
