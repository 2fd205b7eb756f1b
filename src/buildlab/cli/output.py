"""``-o FORMAT[=FILE]``, repeated: several reports from one run."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from buildlab.reports.report_format import ReportFormat, ReportKind, Result


@dataclass(frozen=True, slots=True)
class Output:
    """One report that was asked for; without a file it goes to stdout."""

    report: "ReportFormat"
    file: Path | None


def parse_outputs(texts: Sequence[str] | None, kind: "ReportKind", evidence: Sequence[Path] = ()) -> tuple[Output, ...]:
    """The reports of one kind asked for, text to stdout by default.

    BadParameter for a format that is not known or has no such report, two on stdout or in one file, and for a file that
    would be written over or into the `evidence`.
    """
    from buildlab.reports.report_format import report_format, report_formats

    outputs: list[Output] = []
    for text in texts or ["text"]:
        name, _, file = text.partition("=")
        report = report_format(name)
        if report is None or not report.has(kind):
            known = ", ".join(name for name, other in report_formats().items() if other.has(kind))
            raise typer.BadParameter(f"no format {name!r}; there are: {known}", param_hint="-o")
        outputs.append(Output(report, Path(file) if file else None))
    if sum(output.file is None for output in outputs) > 1:
        raise typer.BadParameter("only one report can go to stdout; give the others a file", param_hint="-o")
    files = [output.file.resolve() for output in outputs if output.file is not None]
    if len(set(files)) < len(files):
        raise typer.BadParameter("two reports in one file", param_hint="-o")
    for written in files:
        for source in (path.resolve() for path in evidence):
            inside = source.is_dir() and written.is_relative_to(source)
            if written == source or inside or _is_same_file(written, source):
                raise typer.BadParameter(f"{written} is evidence and is never written to", param_hint="-o")
    return tuple(outputs)


def _is_same_file(one: Path, other: Path) -> bool:
    """True for two names of one file, as hard links are."""
    return one.exists() and other.exists() and one.samefile(other)


def write_reports(outputs: Sequence[Output], result: "Result") -> None:
    """Write every report of a result; a file that cannot be written is a usage error."""
    for output in outputs:
        text = output.report.render(result)
        if output.file is None:
            _write_stdout(text)
            continue
        try:
            output.file.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise typer.BadParameter(f"{output.file}: {error.strerror}", param_hint="-o") from error


def _write_stdout(text: str) -> None:
    """UTF-8 whatever the locale says, and names that are no valid Unicode escaped rather than fatal. A reader who has
    seen enough (``| head``) is no error: the exit code stays that of the work."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise typer.BadParameter(f"stdout: {error.strerror}", param_hint="-o") from error
