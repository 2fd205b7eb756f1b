"""The commands. Everything that takes time to import is imported by the command that needs it."""

import contextlib
import gc
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from buildlab.cli.output import parse_outputs, write_reports
from buildlab.cli.progress import progress_line
from buildlab.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildlab.operations.scan import ScanOptions
    from buildlab.results.scan import Scan

EXIT_CODES = """Exit codes: 0 done, nothing against policy; 1 findings against policy; 2 usage; 3 input unreadable or
unsupported, or no Windows in it; 4 partial: some evidence or some targets failed; 5 internal error."""

app = typer.Typer(
    name="buildlab",
    help="Which Windows is in this image, which lab built it, and which updates does it really hold?",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

OutputOption = Annotated[
    list[str] | None,
    typer.Option(
        "-o", "--output", metavar="FORMAT[=FILE]", help="text, json or jsonl; may be repeated. Default: text."
    ),
]


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="With --version: the codecs and the bundled data too.")
    ] = False,
) -> None:
    """Which Windows is in this image, which lab built it, and which updates does it really hold?"""
    if version:
        _print_version(verbose)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def _print_version(verbose: bool) -> None:
    typer.echo(f"buildlab {__version__}")
    if verbose:
        from buildlab.knowledge.table import knowledge_date
        from buildlab.readers.codecs import compiled_codecs

        typer.echo(f"knowledge of {knowledge_date()}")
        for name, compiled in compiled_codecs().items():
            typer.echo(f"codec {name}: {'compiled' if compiled else 'plain Python'}")
    raise typer.Exit


@app.command(epilog=EXIT_CODES)
def scan(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Image, folder or hive; disk.vhd#2")],
    output: OutputOption = None,
    kind: Annotated[str | None, typer.Option(help="Take the target for this kind of container.")] = None,
    parent: Annotated[
        list[Path] | None, typer.Option(help="A file that may be the parent of a differencing disk; repeatable.")
    ] = None,
    hash_target: Annotated[bool, typer.Option("--hash", help="Add the SHA-256 of the target.")] = False,
    no_replay: Annotated[bool, typer.Option("--no-replay", help="Read dirty hives as they are, without logs.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Turn exit code 1 into 0.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every step on stderr, a line each.")] = False,
) -> None:
    """Tell what Windows is in each target, and which updates it holds in which state."""
    from buildlab.operations.scan import ScanOptions, exit_code_of_all
    from buildlab.operations.scan import scan as run
    from buildlab.sources.address import address_path
    from buildlab.sources.container import container_kinds

    outputs = parse_outputs(output, evidence=[address_path(target) for target in targets])
    if kind is not None and kind not in container_kinds():
        raise typer.BadParameter(f"no kind {kind!r}; there are: {', '.join(container_kinds())}", param_hint="--kind")
    scan_options = ScanOptions(kind=kind, parents=tuple(parent or ()), replay=not no_replay, hash_target=hash_target)
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        scans = [_scan_or_report(run, target, scan_options, tell) for target in targets]
    write_reports(outputs, lambda report: report.scans(scans))
    code = exit_code_of_all([result.exit.code for result in scans])
    raise typer.Exit(0 if exit_zero and code == 1 else code)


def _scan_or_report(
    run: "Callable[[str, ScanOptions, Callable[[str], None]], Scan]",
    target: str,
    scan_options: "ScanOptions",
    tell: "Callable[[str], None]",
) -> "Scan":
    """The scan of one target. A bug of ours costs that target only; its traceback goes to stderr."""
    from buildlab.operations.scan import failed_scan

    try:
        return run(target, scan_options, tell)
    except Exception as error:  # noqa: BLE001 - the other targets are not to be lost
        traceback.print_exc()
        return failed_scan(target, error)


@app.command(epilog=EXIT_CODES)
def explain(
    word: Annotated[str, typer.Argument(metavar="WORD", help="A version, revision, build, lab, KB or state.")],
    output: OutputOption = None,
) -> None:
    """Say in plain words what a version, revision, lab, KB or state is, from bundled data."""
    from buildlab.operations.explain import explain as run

    explanation = run(word)
    write_reports(parse_outputs(output), lambda report: report.explanation(explanation))
    raise typer.Exit(0 if explanation.known else 3)


@app.command(epilog=EXIT_CODES)
def schema(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The result whose schema is wanted: scan.")],
) -> None:
    """Print the JSON Schema of a result."""
    from buildlab.reports.serialise import json_schema, schema_names

    if name not in schema_names():
        raise typer.BadParameter(f"no schema {name!r}; there is: {', '.join(schema_names())}")
    typer.echo(json_schema(name), nl=False)


def main() -> NoReturn:
    """Run the command line. An error that is a bug of ours ends with code 5 and its traceback on stderr."""
    # A word such as -112 is a state and no option: negative codes are given as they are printed.
    arguments = sys.argv[1:]
    if len(arguments) > 1 and arguments[0] == "explain" and arguments[1][:1] == "-" and arguments[1][1:2].isdigit():
        arguments.insert(1, "--")
    gc.set_threshold(100_000, 50, 100)  # a scan makes many objects that live until its end, and no cycles
    code = 5
    try:
        app(arguments, prog_name="buildlab")
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception:  # noqa: BLE001 - the outermost frame: report, then leave with the code of an internal error
        traceback.print_exc()
        sys.stderr.write("buildlab: internal error; please report it with the lines above\n")
    leave_at_once(code)


def leave_at_once(code: int) -> NoReturn:
    """End the process without freeing a scan's objects one by one, which takes longer than writing the report.

    Nothing is left to be done then: reports are written and closed, and no thread or temporary file is ours.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the reader of a pipe is gone
            stream.flush()
    os._exit(code)
