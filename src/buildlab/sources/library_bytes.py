"""Between our byte sources and libraries in C: what they read from, and what they make of it."""

import re
from typing import Any

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.readers.source_file import SourceFile

LIBRARY_FAILURES = (OSError, ValueError, OverflowError, MemoryError)
"""How these libraries report damage."""

_PIECE = 1 << 20
_CALL = re.compile(r"\.?\s+(?=lib\w+: )")
"""Between the words of one function and the next, outer one in a message of the libraries."""


class FileObject(SourceFile):
    """A byte source as the file-like object that the libraries take."""

    def translated(self, error: Exception, format: str, what: str) -> BuildlabError:
        """Our error for one of the library: that of the source beneath it, where this was the cause."""
        own, self.failure = self.failure, None
        return own or FormatError(format, f"{what}: {_last_reason(error)}")


class LibraryBytes:
    """Bytes that a library makes of a source: a volume decrypted, a shadow copy put together.

    `opened` is the library's object, which has ``read_buffer_at_offset``; `beneath` what it reads from.
    """

    def __init__(self, opened: Any, size: int, beneath: FileObject, format: str) -> None:
        self._opened = opened
        self._size = size
        self._beneath = beneath
        self._format = format

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end = offset + min(length, self._size - offset)
        if offset < 0 or end <= offset:
            return b""
        parts: list[bytes] = []
        while offset < end:
            try:
                piece = bytes(self._opened.read_buffer_at_offset(min(end - offset, _PIECE), offset))
            except LIBRARY_FAILURES as error:
                failure = self._beneath.translated(error, self._format, f"offset {offset:#x} cannot be read")
                raise failure from error
            if not piece:
                raise TruncatedError(f"{self._format}: the volume ends before its stated size", offset=offset)
            parts.append(piece)
            offset += len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _last_reason(error: Exception) -> str:
    """The innermost cause in a message of the library, which names every function on the way to it from there."""
    calls = _CALL.split(str(error).strip())
    return calls[min(1, len(calls) - 1)].partition(": ")[2] or type(error).__name__
