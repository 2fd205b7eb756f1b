"""A scan, made now or saved before: wherever an image is asked for, a saved scan will do."""

from pathlib import Path

import msgspec

from buildlab.operations.progress import Progress
from buildlab.operations.scan import ScanOptions, scan
from buildlab.results.scan import Scan
from buildlab.sources.byte_sources import HostFile, is_folder

_MOST_BYTES = 1 << 30
_HEAD = 4096
_MARK = b'"buildlab.scan/1"'


def scan_or_saved(target: str | Path, options: ScanOptions | None = None, progress: Progress | None = None) -> Scan:
    """The scan of a target; of a file that holds one in JSON, that one as it was saved."""
    saved = saved_scan(Path(target))
    return saved if saved is not None else scan(target, options, progress)


def saved_scan(path: Path) -> Scan | None:
    """The scan in a file, None where the file is none, or is no whole one: it is then a target like any other."""
    if is_folder(path) or not path.is_file():
        return None
    with HostFile(path) as file:
        if _MARK not in file.read_at(0, _HEAD) or file.size > _MOST_BYTES:
            return None
        data = file.read_at(0, file.size)
    try:
        return msgspec.json.decode(data, type=Scan)
    except msgspec.DecodeError:
        return None
