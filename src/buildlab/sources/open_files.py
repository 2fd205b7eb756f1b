"""The files of the host that one target needs, opened once, closed together."""

from pathlib import Path

from buildlab.sources.byte_sources import HostFile, host_error, is_folder
from buildlab.windows.path import fold_name, split_path


class OpenFiles:
    """Opens files of the host and remembers them, so that the target can close them all."""

    def __init__(self) -> None:
        self._files: dict[Path, HostFile] = {}

    def open(self, path: Path) -> HostFile:
        """The file at `path`; the same object for the same path."""
        if path not in self._files:
            self._files[path] = HostFile(path)
        return self._files[path]

    def close(self) -> None:
        """Close all of them."""
        for file in self._files.values():
            file.close()
        self._files.clear()


def beside(path: Path, stated: str) -> Path | None:
    """The file in the folder of `path` that has the last name of `stated`, in any case; None where there is none.

    What a container states about other files is untrusted: whatever path it gives (of Windows or of Unix, absolute or
    with ``..``), only its last name counts, and only the container's own folder is looked in.
    """
    names = split_path(stated)
    if not names or names[-1] == ".." or not is_folder(path.parent):
        return None
    wanted = fold_name(names[-1])
    same = [file for file in files_beside(path) if fold_name(file.name) == wanted]
    return next((file for file in same if file.name == names[-1]), same[0] if same else None)


def files_beside(path: Path) -> list[Path]:
    """The files in the folder of `path`, by name; our own error where the folder may not be listed."""
    try:
        return sorted(file for file in path.parent.iterdir() if file.is_file())
    except OSError as error:
        raise host_error(error, path.parent) from error
