"""``buildlab scan``."""

import traceback
from typing import TYPE_CHECKING, Annotated

import typer

from buildlab.cli.options import (
    AsOfOption,
    ExitZeroOption,
    KindOption,
    OutputOption,
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
    from collections.abc import Callable

    from buildlab.operations.progress import Progress
    from buildlab.operations.scan import ScanOptions
    from buildlab.results.scan import Scan


def scan(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET...", help="Image, folder or hive; disk.vhd#2@shadow1")
    ],
    output: OutputOption = None,
    kind: KindOption = None,
    parent: ParentOption = None,
    recovery_key: RecoveryKeyOption = None,
    password: PasswordOption = None,
    hash_target: Annotated[
        bool,
        typer.Option(
            "--hash", help="Add the SHA-256 of every file of the target, and compare the hashes that it stores."
        ),
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Open images on volumes too: Winre.wim, those of an upgrade under way.")
    ] = False,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Read the logs too: when what happened, in order.")
    ] = False,
    no_replay: Annotated[bool, typer.Option("--no-replay", help="Read dirty hives as they are, without logs.")] = False,
    as_of: AsOfOption = None,
    exit_zero: ExitZeroOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell what Windows is in each target, and which updates it holds in which state."""
    from buildlab.cli.keys import parse_keys
    from buildlab.operations.scan import ScanOptions, exit_code_of_all
    from buildlab.operations.scan import scan as run
    from buildlab.sources.address import address_path

    outputs = parse_outputs(output, "scans", evidence=[address_path(target) for target in targets])
    scan_options = ScanOptions(
        kind=kind_of(kind),
        parents=tuple(parent or ()),
        replay=not no_replay,
        hash_target=hash_target,
        deep=deep,
        timeline=timeline,
        keys=parse_keys(recovery_key, password),
        as_of=moment_of(as_of).date(),
    )
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        scans = [_scan_or_report(run, target, scan_options, tell) for target in targets]
    write_reports(outputs, scans)
    code = exit_code_of_all([result.exit.code for result in scans])
    raise typer.Exit(0 if exit_zero and code == 1 else code)


def _scan_or_report(
    run: "Callable[[str, ScanOptions, Progress], Scan]",
    target: str,
    scan_options: "ScanOptions",
    tell: "Progress",
) -> "Scan":
    """The scan of one target. A bug of ours costs that target only; its traceback goes to stderr."""
    from buildlab.operations.scan import failed_scan

    try:
        return run(target, scan_options, tell)
    except Exception as error:  # noqa: BLE001 - the other targets are not to be lost
        traceback.print_exc()
        return failed_scan(target, error, scan_options.as_of)
