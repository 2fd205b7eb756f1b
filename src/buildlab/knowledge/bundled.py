"""The bundled tables as they are: what each is keyed by, and a reader of a table in the same shape from elsewhere."""

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from buildlab.errors import FormatError, LimitExceededError
from buildlab.knowledge.table import rows
from buildlab.limits import DEFAULT_LIMITS, Limits

_KEYS = {
    "branch_ranges": ("windows", "first", "last"),
    "build_changes": ("windows", "before"),
    "builds": ("build",),
    "checkpoints": ("kb",),
    "csd_builds": ("csd_version", "csd_build_number"),
    "enablement_packages": ("package",),
    "esu_preparations": ("windows", "kb"),
    "more_revisions": ("build", "revision"),
    "nt60_periods": ("topic",),
    "nt60_updates": ("kb",),
    "package_classes": ("pattern",),
    "release_types": ("release_type",),
    "service_packs": ("windows",),
    "sha2_support": ("windows",),
    "states": ("code",),
    "title_classes": ("words",),
    "update_kinds": ("kind",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledTable:
    """A table. `key` are the columns that no two rows share; all of them where the table is not known by name."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def key_of(self, row: dict[str, str]) -> tuple[str, ...]:
        """What tells a row from the others."""
        return tuple(row[column] for column in self.key)


@cache
def bundled_tables() -> dict[str, BundledTable]:
    """Every table by name (``nt60_updates``)."""
    folder = files("buildlab.knowledge").joinpath("data")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".csv"))
    found: dict[str, BundledTable] = {}
    for file in names:
        content = tuple(rows(file))
        columns = tuple(content[0])
        name = file.removesuffix(".csv")
        found[name] = BundledTable(name=name, columns=columns, key=_KEYS.get(name, columns), rows=content)
    return found


def table_of_columns(name: str, columns: tuple[str, ...]) -> BundledTable | None:
    """The table that has these columns in any order: the one called `name` if it has them, else the only one."""
    fitting = [table for table in bundled_tables().values() if sorted(table.columns) == sorted(columns)]
    named = [table for table in fitting if table.name == name]
    return (named or fitting)[0] if named or len(fitting) == 1 else None


def read_table(name: str, data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[BundledTable, list[dict[str, str]]]:
    """The rows of a CSV file in UTF-8, and the bundled table that it has the columns of; `name` is that of the file.

    FormatError where it is no CSV of such columns or no UTF-8, LimitExceededError where it is too large.
    """
    if len(data) > limits.knowledge_bytes:
        raise LimitExceededError(f"a table of {len(data)} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("csv", "is not UTF-8", offset=error.start) from error
    if "\0" in text:
        raise FormatError("csv", "holds zeros: no text, or UTF-16", offset=text.index("\0"))
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns = tuple(next(lines, ()))
        table = table_of_columns(name.removesuffix(".csv"), columns)
        if table is None:
            raise FormatError("csv", f"its columns are those of no bundled table: {', '.join(columns)[:200]}")
        found: list[dict[str, str]] = []
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(columns):
                raise FormatError("csv", f"line {lines.line_num} has {len(cells)} cells, the header {len(columns)}")
            found.append(dict(zip(columns, cells, strict=True)))
            if len(found) > limits.knowledge_rows:
                raise LimitExceededError(f"more than {limits.knowledge_rows} rows in one table")
    except csv.Error as error:
        raise FormatError("csv", str(error)) from error
    return table, found
