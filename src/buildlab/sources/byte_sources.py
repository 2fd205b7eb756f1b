"""Byte sources of the host and of parts of other sources."""

import io
import os
from pathlib import Path
from typing import Self

from buildlab.errors import AccessDeniedError, BuildlabError, PathNotFoundError, SourceError, TruncatedError
from buildlab.readers.byte_source import ByteSource

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def host_error(error: OSError, path: Path) -> SourceError:
    """Our error for one of the operating system about a file of the host."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return PathNotFoundError("no such file or folder", path=str(path), hint="check the path")
    if isinstance(error, PermissionError):
        return AccessDeniedError("may not be read", path=str(path), hint="run as a user who may read it")
    return SourceError(f"cannot be read: {error.strerror or error}", path=str(path))


def is_folder(path: Path) -> bool:
    """False too where the host cannot look (a name too long, say); opening the file then says why."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _open_at_once(name: str, flags: int) -> int:
    """Open a file without waiting for a writer where it is a pipe."""
    return os.open(name, flags | _NO_WAIT)


def printable_name(name: str) -> str:
    """A name of the host as text that can be written: bytes that are no UTF-8 are shown as ``%FF``.

    A backslash would separate two names in a path of Windows.
    """
    return "".join(f"%{ord(char) & 0xFF:02X}" if "\udc80" <= char <= "\udcff" else char for char in name)


class HostFile:
    """A file of the host, opened read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = io.FileIO(path, opener=_open_at_once)
        except OSError as error:
            raise host_error(error, path) from error
        except ValueError as error:  # a NUL in the name
            raise PathNotFoundError("no such file or folder", path=str(path), hint="check the path") from error
        try:
            self._size = self._file.seek(0, io.SEEK_END)
        except OSError as error:
            self._file.close()
            raise host_error(error, path) from error

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset >= self._size:
            return b""  # also where the offset is larger than the host's files can be
        try:
            self._file.seek(offset)
            data = self._file.read(length)
            while 0 < len(data) < length and (more := self._file.read(length - len(data))):
                data += more
        except OSError as error:
            raise host_error(error, self.path) from error
        return data

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HostPath:
    """A file of the host that is opened for each read, for trees that hand out thousands of files."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        with HostFile(self._path) as file:
            return file.read_at(offset, length)


_BLOCK_SHIFT = 15
_BLOCK = 1 << _BLOCK_SHIFT


class BlockCache:
    """Another source, its small reads served from blocks that are kept.

    A parser of file systems asks for a kilobyte here and a kilobyte there, and often again; below it every read is a
    call of the operating system. Where a block cannot be had whole (a cut image), the exact range is asked for.
    """

    _KEPT = 768

    def __init__(self, source: ByteSource, kept: int = _KEPT) -> None:
        """`kept` is the number of blocks of 32 KiB."""
        self._source = source
        self._kept = kept
        self._blocks: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        number, within = offset >> _BLOCK_SHIFT, offset & (_BLOCK - 1)
        if offset < 0 or within + length > _BLOCK:
            return self._source.read_at(offset, length)
        block = self._blocks.get(number)
        if block is None:
            try:
                block = self._source.read_at(number * _BLOCK, _BLOCK)
            except BuildlabError:
                return self._source.read_at(offset, length)
            if len(self._blocks) >= self._kept:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[number] = block
        return block[within : within + length]


class Extent:
    """`size` bytes of another source from `start`: a partition of a disk.

    The part may be stated to be larger than what holds it; reading what is not there raises TruncatedError, for
    zeros in its place would be invented evidence. `cut` is what the error then says.
    """

    def __init__(
        self, source: ByteSource, start: int, size: int, cut: str = "the disk ends inside this partition"
    ) -> None:
        self._source = source
        self._start = start
        self._size = size
        self._cut = cut

    @property
    def size(self) -> int:
        return self._size

    @property
    def missing_bytes(self) -> int:
        """Bytes of this part that lie behind the end of what holds it."""
        return max(0, self._start + self._size - max(self._source.size, self._start))

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        data = self._source.read_at(self._start + offset, length)
        if len(data) < length:
            raise TruncatedError(self._cut, offset=self._start + offset + len(data))
        return data
