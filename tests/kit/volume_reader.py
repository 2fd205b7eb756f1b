"""NTFS volumes read back through libfsntfs, to prove what the fixture maker wrote."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pyfsntfs


class _Window(io.RawIOBase):
    """The part of a file from `offset` on, as a file of its own."""

    def __init__(self, path: Path, offset: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._offset = offset
        self._size = path.stat().st_size - offset
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._file.seek(self._offset + self._at)
        data = self._file.read(self._size - self._at if size < 0 else size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def get_size(self) -> int:
        """The size in bytes; libfsntfs asks for it by this name."""
        return self._size

    def close(self) -> None:
        self._file.close()
        super().close()


def volume_tree(path: Path, offset: int = 0) -> dict[str, str]:
    """The SHA-256 of every file of the NTFS volume at `offset` of `path`, by path; the file system's own files are
    left out.
    """
    window = _Window(path, offset)
    volume = pyfsntfs.volume()
    volume.open_file_object(window)
    try:
        found: dict[str, str] = {}
        todo: list[tuple[str, Any]] = [("", volume.get_root_directory())]
        while todo:
            prefix, directory = todo.pop()
            for index in range(directory.number_of_sub_file_entries):
                entry = directory.get_sub_file_entry(index)
                name = prefix + entry.name
                if (not prefix and entry.name.startswith("$")) or entry.name == ".":
                    continue
                if entry.has_directory_entries_index():
                    todo.append((f"{name}/", entry))
                else:
                    data = entry.read_buffer(entry.size) if entry.size else b""
                    found[name] = hashlib.sha256(data).hexdigest()
        return found
    finally:
        volume.close()
        window.close()
