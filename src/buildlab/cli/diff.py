"""``buildlab diff``."""

from typing import Annotated

import typer

from buildlab.cli.options import (
    AsOfOption,
    JobsOption,
    OutputOption,
    ParentOption,
    PasswordOption,
    QuietOption,
    RecoveryKeyOption,
    VerboseOption,
    moment_of,
)
from buildlab.cli.output import parse_outputs, write_reports
from buildlab.cli.progress import progress_line

_SIDE = "Image, folder, hive, a scan saved as JSON, or a set of packages"


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
    b: Annotated[str, typer.Argument(metavar="B", help=_SIDE)],
    output: OutputOption = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Leave with 1 where anything differs.")] = False,
    parent: ParentOption = None,
    recovery_key: RecoveryKeyOption = None,
    password: PasswordOption = None,
    as_of: AsOfOption = None,
    jobs: JobsOption = 0,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell what differs between two images, or two sets of packages."""
    from buildlab.cli.keys import parse_keys
    from buildlab.operations.diff import diff as run
    from buildlab.operations.packages import PackagesOptions
    from buildlab.operations.scan import ScanOptions
    from buildlab.sources.address import address_path

    outputs = parse_outputs(output, "diff", evidence=[address_path(a), address_path(b)])
    scan_options = ScanOptions(parents=tuple(parent or ()), keys=parse_keys(recovery_key, password))
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        found = run(
            a,
            b,
            scan=scan_options,
            packages=PackagesOptions(as_of=moment_of(as_of), jobs=jobs),
            progress=tell,
        )
    write_reports(outputs, found)
    code = found.exit.code
    raise typer.Exit(1 if code == 0 and exit_code and found.is_different else code)
