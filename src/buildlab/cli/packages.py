"""``buildlab packages``."""

from pathlib import Path
from typing import Annotated

import typer

from buildlab.cli.options import (
    AsOfOption,
    ExitZeroOption,
    JobsOption,
    OutputOption,
    QuietOption,
    RootOption,
    VerboseOption,
    moment_of,
    root_certificates,
)
from buildlab.cli.output import parse_outputs, write_reports
from buildlab.cli.progress import progress_line


def packages(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", readable=False, help="MSU, CAB or self-extracting file, or folder"),
    ],
    output: OutputOption = None,
    verify: Annotated[bool, typer.Option("--verify", help="Decode every file, and compare its hash.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Open the metadata for update services too.")] = False,
    root: RootOption = None,
    as_of: AsOfOption = None,
    jobs: JobsOption = 0,
    exit_zero: ExitZeroOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell what update packages are, what they hold and need, and how they stand to each other."""
    from buildlab.operations.packages import PackagesOptions, inspect_packages

    outputs = parse_outputs(output, "packages", evidence=paths)
    options = PackagesOptions(
        as_of=moment_of(as_of),
        verify=verify,
        deep=deep,
        roots=root_certificates(root),
        jobs=jobs,
    )
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        found = inspect_packages(paths, options, tell)
    write_reports(outputs, found)
    raise typer.Exit(0 if exit_zero and found.exit.code == 1 else found.exit.code)
