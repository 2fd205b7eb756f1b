"""A scan, made now or saved before: wherever an image is asked for, a saved scan will do."""

import re
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from buildlab.errors import BuildlabError
from buildlab.knowledge.table import knowledge_date
from buildlab.operations.progress import Progress
from buildlab.operations.scan import SCHEMA, ScanOptions, scan
from buildlab.results.scan import Exit, Scan, ScanError, TargetSummary, Tool
from buildlab.sources.byte_sources import HostFile, printable_name
from buildlab.version import __version__

_MOST_BYTES: Final = 1 << 30
_HEAD: Final = 4096
_MARK: Final = f'"{SCHEMA}"'.encode()
_KB: Final = re.compile(r"KB\d{1,8}")


def scan_or_saved(target: str | Path, options: ScanOptions | None = None, progress: Progress | None = None) -> Scan:
    """The scan of a target; of a file that holds one in JSON, that one as it was saved.

    A file that begins as a saved scan and is no whole one gives a scan with the error that says so. The kind of
    container that `options` may name is that of an image: the file is then taken for one.
    """
    options = options or ScanOptions()
    saved = saved_scan(Path(target), options.as_of) if options.kind is None else None
    return saved if saved is not None else scan(target, options, progress)


def saved_scan(path: Path, as_of: date) -> Scan | None:
    """The scan in a file; None where the file does not begin as one, or cannot be read at all: it is then a target like
    any other. `as_of` is the day of a scan that cannot be used, and changes nothing about another."""
    try:
        if not path.is_file():
            return None
        with HostFile(path) as file:
            if _MARK not in file.read_at(0, _HEAD):
                return None
            size = file.size
            if size > _MOST_BYTES:
                return _failed(path, size, as_of, "a saved scan that is too large to be one")
            data = file.read_at(0, size)
    except (BuildlabError, OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return _decoded(path, as_of, data)


def _decoded(path: Path, as_of: date, data: bytes) -> Scan:
    try:
        found = msgspec.json.decode(data, type=Scan)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        several = data.lstrip()[:1] == b"["
        reason = "it holds several" if several else str(error)
        hint = "save each scan in a file of its own" if several else None
        return _failed(path, len(data), as_of, f"a saved scan that cannot be used: {reason}", hint)
    wrong = next(
        (update.kb for one in found.installations for update in one.updates if not _KB.fullmatch(update.kb)), None
    )
    if wrong is not None:
        return _failed(
            path, len(data), as_of, f"a saved scan that cannot be used: {wrong!r} is the number of no update"
        )
    return found


def _failed(path: Path, size: int, as_of: date, message: str, hint: str | None = None) -> Scan:
    name = printable_name(str(path))
    return Scan(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        as_of=as_of.isoformat(),
        target=TargetSummary(path=name, kind="unknown", size=size),
        volumes=(),
        installations=(),
        errors=(ScanError(kind="damaged", message=message, path=name, hint=hint),),
        exit=Exit(code=3, reason="unreadable"),
    )
