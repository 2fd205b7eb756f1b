"""A byte source as the file-like object that parsers in other languages take."""

import io

from buildlab.errors import BuildlabError
from buildlab.readers.byte_source import ByteSource


class SourceFile:
    """Read-only and with a cursor of its own. It keeps the first of our own errors in `failure`."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0
        self.failure: BuildlabError | None = None

    def read(self, size: int = -1) -> bytes:
        size = self._source.size - self._position if size < 0 else size
        try:
            data = self._source.read_at(self._position, max(0, size))
        except BuildlabError as error:
            self.failure = self.failure or error
            raise OSError(str(error)) from error
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self._source.size
        self._position = max(0, offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def get_size(self) -> int:
        return self._source.size
