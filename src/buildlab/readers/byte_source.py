"""What a reader of large files needs: a size, and bytes at an offset. Never a cursor that others could move."""

from typing import Protocol


class ByteSource(Protocol):
    """Random access to read-only bytes: a file of the host, a disk, a partition, a file in an image."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only where the source ends.

        Raises a BuildlabError where bytes that should exist cannot be read.
        """
        ...


class MemoryBytes:
    """Bytes that are in memory already, as a source."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]
