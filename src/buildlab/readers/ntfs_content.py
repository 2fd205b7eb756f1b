"""The content of a stream of NTFS outside of its file record: runs of clusters, holes, and compressed units."""

from bisect import bisect_right
from itertools import accumulate, pairwise

from buildlab.errors import FormatError, TruncatedError
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.codecs.ntfs_records import HOLE
from buildlab.readers.mft_record import Runs, StoredStream

_LARGEST_UNIT = 2 << 20
"""Bytes; Windows makes units of 16 clusters, and compresses on volumes with clusters of up to 64 KiB."""


class Clusters:
    """The clusters that an attribute has, as one row of bytes."""

    __slots__ = ("_bounds", "_cluster_size", "_only", "_runs", "_volume")

    def __init__(self, volume: ByteSource, runs: Runs, cluster_size: int) -> None:
        self._volume = volume
        self._cluster_size = cluster_size
        first, count = runs[0] if len(runs) == 1 else (HOLE, 0)
        self._only = first * cluster_size, count * cluster_size if first != HOLE else 0
        """Place and size of the only run, of which nearly every file has one; size 0 of several, and of a hole."""
        self._runs = runs
        self._bounds: tuple[list[int], list[int], list[int]] | None = None

    def _all_bounds(self) -> tuple[list[int], list[int], list[int]]:
        """Of each run its place on the volume (or `HOLE`), and where it begins and ends in the row."""
        if self._bounds is None:
            places = [HOLE if cluster == HOLE else cluster * self._cluster_size for cluster, _ in self._runs]
            starts = [0, *accumulate(count * self._cluster_size for _, count in self._runs)]
            self._bounds = places, starts, starts[1:]
        return self._bounds

    def pieces(self, offset: int, size: int) -> list[tuple[int, int]]:
        """Where so many bytes lie on the volume: place (or `HOLE`) and length of each piece. FormatError where the runs
        end before."""
        found: list[tuple[int, int]] = []
        places, starts, ends = self._all_bounds()
        run = bisect_right(ends, offset)
        while size > 0:
            if run == len(ends):
                raise FormatError("ntfs", f"the clusters of a file or folder end {size} bytes before it does")
            length = min(size, ends[run] - offset)
            place = places[run]
            if place != HOLE:
                place += offset - starts[run]
            found.append((place, length))
            offset, size, run = offset + length, size - length, run + 1
        return found

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes, holes as zeros. TruncatedError where the volume ends before."""
        place, held = self._only
        if offset + size <= held:  # mostly, and then in a hurry
            data = self._volume.read_at(place + offset, size)
            if len(data) == size:
                return data
        return b"".join(self.read_piece(place, length) for place, length in self.pieces(offset, size))

    def read_piece(self, place: int, length: int) -> bytes:
        """One of the `pieces`."""
        if place == HOLE:
            return bytes(length)
        data = self._volume.read_at(place, length)
        if len(data) < length:
            raise TruncatedError("the volume ends inside a file or folder", offset=place + len(data))
        return data


class StreamContent:
    """A stream as a program would read it: what was never written is zeros."""

    __slots__ = ("_clusters", "_read", "_size", "_written")

    def __init__(self, volume: ByteSource, stream: StoredStream, cluster_size: int) -> None:
        self._clusters = Clusters(volume, stream.runs, cluster_size)
        self._size = stream.size
        self._written = min(stream.written, stream.size)
        self._read = self._clusters.read

    @property
    def size(self) -> int:
        """Size of the stream in bytes."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """At most `length` bytes; fewer at the end."""
        end = min(offset + length, self._size)
        if offset < 0 or end <= offset:
            return b""
        stored = min(end, self._written) - offset
        data = self._read(offset, stored) if stored > 0 else b""
        return data if len(data) == end - offset else data + bytes(end - offset - len(data))


class CompressedContent(StreamContent):
    """A compressed stream. It is kept in units of so many clusters: one that became shorter has fewer clusters and a
    hole behind them, one that did not is kept as it is, and one of zeros is all hole."""

    __slots__ = ("_last", "_unit")

    def __init__(self, volume: ByteSource, stream: StoredStream, cluster_size: int) -> None:
        super().__init__(volume, stream, cluster_size)
        self._unit = stream.unit * cluster_size
        if self._unit > _LARGEST_UNIT:
            raise FormatError("ntfs", f"a file in compression units of {self._unit} bytes")
        self._last: tuple[int, bytes] | None = None
        self._read = self._unpacked

    def _unpacked(self, offset: int, size: int) -> bytes:
        parts: list[bytes] = []
        end = offset + size
        while offset < end:
            number, within = divmod(offset, self._unit)
            part = self._unit_at(number)[within : within + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _unit_at(self, number: int) -> bytes:
        if self._last is None or self._last[0] != number:
            self._last = number, self._decoded(number * self._unit)
        return self._last[1]

    def _decoded(self, offset: int) -> bytes:
        pieces = self._clusters.pieces(offset, self._unit)
        if any(one[0] == HOLE != other[0] for one, other in pairwise(pieces)):
            raise FormatError("ntfs", "a compression unit with a hole before its data", offset=offset)
        stored = [self._clusters.read_piece(place, length) for place, length in pieces if place != HOLE]
        if len(stored) == len(pieces):
            return b"".join(stored)
        from buildlab.readers.codecs.lznt1 import decompress_lznt1  # here, as most volumes have nothing compressed

        plain: bytes = decompress_lznt1(b"".join(stored), self._unit)
        return plain
