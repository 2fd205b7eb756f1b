"""``buildlab check``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from buildlab.cli.options import (
    AsOfOption,
    ExitZeroOption,
    JobsOption,
    KindOption,
    OutputOption,
    ParentOption,
    PasswordOption,
    QuietOption,
    RecoveryKeyOption,
    RootOption,
    VerboseOption,
    kind_of,
    moment_of,
    root_certificates,
)
from buildlab.cli.output import parse_outputs, write_reports
from buildlab.cli.progress import progress_line

if TYPE_CHECKING:
    from buildlab.checks.policy import Policy


def check(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Image, folder, hive, or a scan saved as JSON")],
    bundle: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[BUNDLE]...", readable=False, help="Packages, or folders of them; none: policy only"),
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="What is demanded of the image, a TOML file.")] = None,
    output: OutputOption = None,
    verify: Annotated[bool, typer.Option("--verify", help="Decode every file of the packages.")] = False,
    kind: KindOption = None,
    parent: ParentOption = None,
    recovery_key: RecoveryKeyOption = None,
    password: PasswordOption = None,
    root: RootOption = None,
    as_of: AsOfOption = None,
    jobs: JobsOption = 0,
    exit_zero: ExitZeroOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell whether packages may be deployed on an image, in which order, and with what result."""
    from buildlab.cli.keys import parse_keys
    from buildlab.operations.check import CheckOptions
    from buildlab.operations.check import check as run
    from buildlab.operations.packages import PackagesOptions
    from buildlab.operations.scan import ScanOptions
    from buildlab.sources.address import address_path

    read = [address_path(image), *(bundle or ()), *([policy] if policy is not None else [])]
    outputs = parse_outputs(output, "check", evidence=read)
    moment = moment_of(as_of)
    options = CheckOptions(
        policy=_policy(policy),
        scan=ScanOptions(
            kind=kind_of(kind),
            parents=tuple(parent or ()),
            keys=parse_keys(recovery_key, password),
            as_of=moment.date(),
        ),
        packages=PackagesOptions(as_of=moment, verify=verify, roots=root_certificates(root), jobs=jobs),
    )
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        found = run(image, bundle or (), options, tell)
    write_reports(outputs, found)
    raise typer.Exit(0 if exit_zero and found.exit.code == 1 else found.exit.code)


def _policy(path: Path | None) -> "Policy":
    """The policy of a file; one that cannot be read, or says what is not known, is a usage error."""
    from buildlab.checks.policy import NO_POLICY, read_policy
    from buildlab.errors import PolicyError

    if path is None:
        return NO_POLICY
    try:
        return read_policy(path.read_text("utf-8-sig"), str(path))  # editors of Windows begin a file with a mark
    except PolicyError as error:
        raise typer.BadParameter(str(error), param_hint="--policy") from error
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--policy") from error
