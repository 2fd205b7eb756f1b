"""Disks that are kept in blocks of one size: a read is cut at their borders, and each format reads its own block."""

from abc import ABC, abstractmethod


class BlockDisk(ABC):
    """A disk of `size` bytes in blocks of `block_size`; the last one may reach behind the disk's end."""

    def __init__(self, size: int, block_size: int) -> None:
        self._size = size
        self._block_size = block_size

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only at the end of the disk."""
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        block, within = divmod(offset, self._block_size)
        if within + length <= self._block_size:
            return self._read_block(block, within, length)
        parts: list[bytes] = []
        while length > 0:
            take = min(length, self._block_size - within)
            parts.append(self._read_block(block, within, take))
            block, within, length = block + 1, 0, length - take
        return b"".join(parts)

    @abstractmethod
    def _read_block(self, block: int, within: int, length: int) -> bytes:
        """`length` bytes from `within` of one block, which do not cross its end."""
