"""Pieces of disks that were read and may be wanted again."""

from typing import Generic, TypeVar

_Piece = TypeVar("_Piece")


class KeptPieces(Generic[_Piece]):
    """Pieces kept up to `most` bytes in all, at least one; the oldest go first.

    All extents of a disk share one, so that their number does not count.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._pieces: dict[tuple[int, int], tuple[_Piece, int]] = {}

    def get(self, key: tuple[int, int]) -> _Piece | None:
        """The piece kept under a key."""
        kept = self._pieces.get(key)
        return None if kept is None else kept[0]

    def put(self, key: tuple[int, int], piece: _Piece, size: int) -> None:
        """Keep a piece of `size` bytes under a key that is not there yet."""
        while self._pieces and self._bytes + size > self._most:
            self._bytes -= self._pieces.pop(next(iter(self._pieces)))[1]
        self._pieces[key] = piece, size
        self._bytes += size
