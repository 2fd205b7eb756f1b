"""``buildlab explain`` and ``buildlab schema``."""

from typing import Annotated

import typer

from buildlab.cli.options import OutputOption
from buildlab.cli.output import parse_outputs, write_reports


def explain(
    word: Annotated[
        str, typer.Argument(metavar="WORD", help="Version, revision, build, lab, KB, state, package or rule (R4).")
    ],
    output: OutputOption = None,
) -> None:
    """Say in plain words what a version, revision, lab, KB, state, package identity or rule is, from bundled data."""
    from buildlab.operations.explain import explain as run

    explanation = run(word)
    write_reports(parse_outputs(output, "explanation"), explanation)
    raise typer.Exit(0 if explanation.known else 3)


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The result whose schema is wanted: scan, packages, check, diff or timeline."
        ),
    ],
) -> None:
    """Print the JSON Schema of a result."""
    from buildlab.reports.serialise import json_schema, schema_names

    if name not in schema_names():
        raise typer.BadParameter(f"no schema {name!r}; there are: {', '.join(schema_names())}")
    typer.echo(json_schema(name), nl=False)
