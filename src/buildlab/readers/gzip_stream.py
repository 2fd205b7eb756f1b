"""Gzip as a byte source: read forwards once, then at any offset from states of the decoder kept on the way.

RFC 1952; zlib does the decoding and compares each member's CRC. The number of kept states is bounded: when there are
too many, every other one is dropped and they are set twice as far apart from then on.
"""

import zlib
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource

MAGIC = b"\x1f\x8b\x08"
_INPUT = 32 << 10
_OUTPUT = 1 << 20
_FIRST_SPACING = 4 << 20
_KEPT_STATES = 256
_GZIP_WINDOW = 31


@dataclass(slots=True)
class _State:
    """A decoder that has given `out` bytes and taken the input up to `taken`, `pending` of it still to be decoded."""

    decoder: Any
    out: int
    taken: int
    pending: bytes

    def copy(self) -> "_State":
        return _State(self.decoder.copy(), self.out, self.taken, self.pending)


class GzipBytes:
    """The decoded content of a gzip file of one or several members.

    `size` reads to the end. FormatError, TruncatedError or LimitExceededError where the content cannot be had; what
    lies before the damage can be read all the same.
    """

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        import hashlib  # here, as the module also serves to tell what is no such file, and OpenSSL takes time to load

        self._source = source
        self._limits = limits
        self._state = _State(zlib.decompressobj(_GZIP_WINDOW), 0, 0, b"")
        self._kept = [self._state.copy()]
        self._spacing = _FIRST_SPACING
        self._window = b""
        self._size: int | None = None
        self._failure: tuple[int, BuildlabError] | None = None
        self._stored_hash, self._content_hash = hashlib.sha256(), hashlib.sha256()
        self._stored_hashed = self._content_hashed = 0

    @property
    def size(self) -> int:
        """Bytes of the content; the same errors as reading it."""
        while self._size is None:
            self._go_to(self._content_hashed)
            self._step()
        return self._size

    def digests(self) -> tuple[str, str]:
        """SHA-256 of the gzip file as it is stored, and of its content."""
        size = self.size
        assert size == self._content_hashed
        while tail := self._source.read_at(self._stored_hashed, _OUTPUT):  # what may stand behind the last member
            self._stored_hash.update(tail)
            self._stored_hashed += len(tail)
        return self._stored_hash.hexdigest(), self._content_hash.hexdigest()

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0 or (self._size is not None and offset >= self._size):
            return b""
        parts: list[bytes] = []
        while length > 0:
            start = self._state.out - len(self._window)
            if start <= offset < self._state.out:
                part = self._window[offset - start : offset - start + length]
                parts.append(part)
                offset += len(part)
                length -= len(part)
                continue
            if self._size is not None and offset >= self._size:
                break
            self._go_to(offset)
            self._step()
        return b"".join(parts)

    def _go_to(self, offset: int) -> None:
        """Take the state from which `offset` is reached soonest: the present one, or one that was kept."""
        kept = self._kept[bisect_right(self._kept, offset, key=lambda state: state.out) - 1]
        if not kept.out <= self._state.out <= offset:
            self._state = kept.copy()
            self._window = b""

    def _step(self) -> None:
        """Decode the next piece into the window."""
        state = self._state
        if self._failure is not None and state.out >= self._failure[0]:
            raise self._failure[1]
        try:
            self._window = self._decoded(state)
        except BuildlabError as error:
            self._window = b""
            self._failure = (state.out, error)
            raise
        start = state.out
        state.out += len(self._window)
        if state.out > self._content_hashed:
            self._content_hash.update(self._window[self._content_hashed - start :])
            self._content_hashed = state.out
            self._keep(state)

    def _decoded(self, state: _State) -> bytes:
        while True:
            if state.decoder.eof:
                rest = state.decoder.unused_data or self._more(state)
                rest = rest if len(rest) >= len(MAGIC) else rest + self._more(state)
                if not rest.startswith(MAGIC):
                    self._size = state.out
                    return b""
                state.decoder, state.pending = zlib.decompressobj(_GZIP_WINDOW), rest
            data = state.pending or self._more(state)
            if not data:
                raise TruncatedError("the compressed data ends before its end mark", offset=state.taken)
            try:
                piece: bytes = state.decoder.decompress(data, _OUTPUT)
            except zlib.error as error:
                raise FormatError("gzip", str(error), offset=state.taken - len(data)) from error
            state.pending = state.decoder.unconsumed_tail
            self._check_bounds(state.out + len(piece), state.taken)
            if piece:
                return piece

    def _more(self, state: _State) -> bytes:
        data = self._source.read_at(state.taken, _INPUT)
        if state.taken + len(data) > self._stored_hashed:
            self._stored_hash.update(data[self._stored_hashed - state.taken :])
            self._stored_hashed = state.taken + len(data)
        state.taken += len(data)
        return data

    def _check_bounds(self, content: int, stored: int) -> None:
        limits = self._limits
        if content > limits.compressed_free_bytes + limits.compressed_ratio * stored:
            message = f"{stored} bytes expand to more than {limits.compressed_ratio} times as many"
            raise LimitExceededError(message, offset=stored)

    def _keep(self, state: _State) -> None:
        if state.out < self._kept[-1].out + self._spacing or state.decoder.eof:
            return
        self._kept.append(state.copy())
        if len(self._kept) > _KEPT_STATES:
            self._kept = self._kept[::2]
            self._spacing *= 2
