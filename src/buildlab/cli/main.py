"""The command line: one module a command. What takes time to import is imported by the command that needs it."""

import contextlib
import gc
import os
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from buildlab.cli.check import check
from buildlab.cli.diff import diff
from buildlab.cli.explain import explain, schema
from buildlab.cli.knowledge import knowledge
from buildlab.cli.options import EXIT_CODES
from buildlab.cli.packages import packages
from buildlab.cli.scan import scan
from buildlab.cli.timeline import timeline
from buildlab.version import __version__

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
        from buildlab.readers.inflate import HAS_LIBDEFLATE

        typer.echo(f"knowledge of {knowledge_date()}")
        for name, compiled in compiled_codecs().items():
            typer.echo(f"codec {name}: {'compiled' if compiled else 'plain Python'}")
        typer.echo(f"codec deflate: {'libdeflate' if HAS_LIBDEFLATE else 'zlib'}")
    raise typer.Exit


for _command in (scan, packages, check, diff, explain, timeline, schema):
    app.command(epilog=EXIT_CODES)(_command)
app.add_typer(knowledge, name="knowledge", epilog=EXIT_CODES)


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
