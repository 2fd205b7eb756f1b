"""Facts that a user has imported: one file for each document, in a folder of the user's. Never mixed with the bundled.

A file is JSON, named by the SHA-256 of the document that its rows come from, and replaced as a whole.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from buildlab.errors import AccessDeniedError, BuildlabError, FormatError, LimitExceededError, SourceError
from buildlab.knowledge.bundled import bundled_tables
from buildlab.limits import DEFAULT_LIMITS, Limits

DocumentKind = Literal["wsus", "cvrf", "csaf", "table"]
UPDATE_METADATA = "update_metadata"
"""The table of revisions of updates, from the metadata for update services."""
REMEDIATIONS = "remediations"
"""The table of updates that mend vulnerabilities, from advisories."""
DATA_VARIABLE = "BUILDLAB_DATA"
_FOLDER = "knowledge"
_ENDING = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDocument:
    """A document that was imported, and the rows it gave, by table.

    `file` is the name it had, `imported` the day of the import, `stated` the date that the document gives itself, empty
    where it gives none. Every row has the confidence `confidence`, and this document as its source.
    """

    schema: Literal["buildlab.import/1"] = "buildlab.import/1"
    kind: DocumentKind
    file: str
    sha256: str
    imported: str
    identifier: str
    title: str
    stated: str
    confidence: Literal["imported"] = "imported"
    notes: tuple[str, ...] = ()
    tables: dict[str, tuple[dict[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedData:
    """All documents, by name and SHA-256, and the files of the folder that could not be read, each with its error."""

    documents: tuple[ImportedDocument, ...]
    errors: tuple[BuildlabError, ...]

    def rows(self, table: str) -> list[tuple[ImportedDocument, dict[str, str]]]:
        """Every row of a table with its document."""
        return [(document, row) for document in self.documents for row in document.tables.get(table, ())]


def default_data_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """``$BUILDLAB_DATA``, or where the platform keeps the data of a user's programs."""
    if environment.get(DATA_VARIABLE):
        return Path(environment[DATA_VARIABLE])
    if platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "buildlab"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "buildlab"
    if environment.get("XDG_DATA_HOME"):
        return Path(environment["XDG_DATA_HOME"]) / "buildlab"
    return Path.home() / ".local" / "share" / "buildlab"


def read_imports(folder: Path, limits: Limits = DEFAULT_LIMITS) -> ImportedData:
    """What has been imported into a data folder, nothing where there is none. Damaged files are errors in it."""
    documents: list[ImportedDocument] = []
    errors: list[BuildlabError] = []
    try:
        paths = sorted(path for path in (folder / _FOLDER).iterdir() if path.suffix == _ENDING)
    except FileNotFoundError:
        return ImportedData(documents=(), errors=())
    except OSError as error:
        return ImportedData(documents=(), errors=(_host_error(error, folder),))
    if len(paths) > limits.knowledge_files:
        errors.append(LimitExceededError(f"{len(paths)} files of imported data", path=str(folder / _FOLDER)))
    for path in paths[: limits.knowledge_files]:
        try:
            documents.append(_read(path, limits))
        except OSError as error:
            errors.append(_host_error(error, path))
        except BuildlabError as error:
            error.path = str(path)
            errors.append(error)
    documents.sort(key=lambda document: (document.file, document.sha256))
    return ImportedData(documents=tuple(documents), errors=tuple(errors))


def _read(path: Path, limits: Limits) -> ImportedDocument:
    import msgspec  # here, as the model of every result is built upon this module, and only this needs the library

    if path.stat().st_size > limits.imported_bytes:
        raise LimitExceededError(f"more than {limits.imported_bytes} bytes")
    try:
        document = msgspec.json.decode(path.read_bytes(), type=ImportedDocument)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError("import", str(error)) from error
    if document.sha256 != path.stem:
        raise FormatError("import", "its name is not the SHA-256 that it states")
    for name, rows in document.tables.items():
        columns = _columns(name)
        if columns is None or any(not columns <= row.keys() for row in rows):
            raise FormatError("import", f"the table {name} is not known, or lacks a column")
    return document


def _columns(table: str) -> frozenset[str] | None:
    """The columns that every row of a table has to have; None for a table that there is not."""
    if table == UPDATE_METADATA:
        return frozenset(("kb", "update_id", "supersedes", "superseded_by"))
    if table == REMEDIATIONS:
        return frozenset(("kb", "supersedes", "fixed_build"))
    bundled = bundled_tables().get(table)
    return None if bundled is None else frozenset(bundled.columns)


def write_import(folder: Path, document: ImportedDocument) -> None:
    """Write a document's file, as a whole or not at all. SourceError where the folder cannot be written to."""
    import msgspec  # as in `_read`

    target = folder / _FOLDER / f"{document.sha256}{_ENDING}"
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as file:
            temporary = Path(file.name)
            file.write(msgspec.json.format(msgspec.json.encode(document), indent=1))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise _host_error(error, target) from error


def _host_error(error: OSError, path: Path) -> SourceError:
    if isinstance(error, PermissionError):
        return AccessDeniedError("may not be read or written", path=str(path), hint="give another --data-dir")
    return SourceError(f"cannot be read or written: {error.strerror or error}", path=str(path))
