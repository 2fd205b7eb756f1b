"""The medium in an EWF image of either version: its chunks, and the hashes that the acquisition stored."""

import hashlib
from collections.abc import Callable
from typing import Literal

from buildlab.errors import FormatError, TruncatedError
from buildlab.sources.disks.ewf_image import EwfImage
from buildlab.sources.source_check import SourceCheck

_CHUNKS_KEPT = 2 << 20


class EwfDisk:
    """The medium that was imaged. Raises FormatError for chunks whose checksum is wrong, TruncatedError for those that
    are in no segment that is there."""

    def __init__(self, image: EwfImage, read_chunk: Callable[[int], bytes]) -> None:
        """`read_chunk` gives a chunk by its number, decoded and compared with its checksum."""
        self._image = image
        self._size = image.sectors * image.sector_size
        self._read_chunk = read_chunk
        self._chunks: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        number, within = divmod(offset, self._image.chunk_size)
        parts: list[bytes] = []
        while length > 0:
            parts.append(self._chunk(number)[within : within + length])
            length -= len(parts[-1])
            number, within = number + 1, 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def unchecked_hashes(self) -> SourceCheck:
        """The hashes that the acquisition stored, compared with nothing yet."""
        if self._image.hashes:
            return _hash_check("not-checked", f"the acquisition stored {_listed(self._image.hashes)}")
        if self._image.has_damaged_hash:
            return _hash_check("not-checked", "the hashes that the acquisition stored are damaged")
        return _hash_check("not-checked", "the acquisition stored no hash")

    def check_hashes(self) -> SourceCheck:
        """Read the whole medium and compare its hashes with those that the acquisition stored.

        A medium that is not there as a whole cannot be compared; one with a damaged chunk is `damaged`.
        """
        stored = self._image.hashes
        if not stored:
            return self.unchecked_hashes()
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in stored}
        try:
            for offset in range(0, self._size, self._image.chunk_size):
                data = self.read_at(offset, self._image.chunk_size)
                for digest in digests.values():
                    digest.update(data)
        except TruncatedError as error:
            return _hash_check("not-checked", f"the medium is not there as a whole: {error.message}")
        except FormatError as error:
            return _hash_check("damaged", f"the medium cannot be read as a whole: {error.message}")
        found = {name: digest.hexdigest() for name, digest in digests.items()}
        wrong = {name: value for name, value in found.items() if value != stored[name]}
        if wrong:
            expected = _listed({name: stored[name] for name in wrong})
            return _hash_check("damaged", f"the medium has {_listed(wrong)}; the acquisition stored {expected}")
        return _hash_check("ok", f"the medium has what the acquisition stored: {_listed(found)}")

    def _chunk(self, number: int) -> bytes:
        """A chunk whole; only the last one of the medium is shorter than the others."""
        data = self._chunks.get(number)
        if data is None:
            data = self._read_chunk(number)
            if len(self._chunks) >= max(2, _CHUNKS_KEPT // self._image.chunk_size):
                del self._chunks[next(iter(self._chunks))]
            self._chunks[number] = data
        return data


def _hash_check(outcome: Literal["ok", "damaged", "not-checked"], detail: str) -> SourceCheck:
    return SourceCheck(check="ewf-hash", outcome=outcome, detail=detail)


def _listed(hashes: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in hashes.items())
