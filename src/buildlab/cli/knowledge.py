"""``buildlab knowledge show``, ``import`` and ``verify``."""

from pathlib import Path
from typing import Annotated

import typer

from buildlab.cli.options import EXIT_CODES, ExitZeroOption, OutputOption
from buildlab.cli.output import parse_outputs, write_reports

DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of imported data: $BUILDLAB_DATA, or that of the user."),
]

knowledge = typer.Typer(
    help="Show, extend and check the facts about Windows that everything is judged by.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@knowledge.command(epilog=EXIT_CODES)
def show(
    word: Annotated[
        str | None, typer.Argument(metavar="[KB]", help="Every row about this KB; none: what there is.")
    ] = None,
    data_dir: DataDirOption = None,
    output: OutputOption = None,
) -> None:
    """Tell what data is bundled and imported: tables, rows, dates, sources, confidence, disputes."""
    from buildlab.operations.knowledge import show_knowledge

    state = show_knowledge(_folder(data_dir), word)
    write_reports(parse_outputs(output, "knowledge"), state)
    raise typer.Exit(state.exit.code)


@knowledge.command("import", epilog=EXIT_CODES)
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="wsusscn2.cab, package.cab or MSU; MSRC advisory (CVRF, CSAF); CSV with a bundled table's columns",
        ),
    ],
    data_dir: DataDirOption = None,
    output: OutputOption = None,
) -> None:
    """Import facts from files that are there; nothing is downloaded, and no bundled fact is overwritten."""
    from datetime import UTC, datetime

    from buildlab.operations.knowledge import import_knowledge

    outputs = parse_outputs(output, "knowledge", evidence=files)
    result = import_knowledge(files, _folder(data_dir), datetime.now(UTC).date().isoformat())
    write_reports(outputs, result)
    raise typer.Exit(result.exit.code)


@knowledge.command(epilog=EXIT_CODES)
def verify(
    data_dir: DataDirOption = None,
    output: OutputOption = None,
    exit_zero: ExitZeroOption = False,
) -> None:
    """Check bundled and imported data for cycles, missing dates, unknown classes, duplicates, overlapping ranges."""
    from buildlab.operations.knowledge import verify_knowledge

    result = verify_knowledge(_folder(data_dir))
    write_reports(parse_outputs(output, "knowledge"), result)
    raise typer.Exit(0 if exit_zero else result.exit.code)


def _folder(data_dir: Path | None) -> Path:
    from buildlab.knowledge.imported import default_data_folder

    return data_dir or default_data_folder()
