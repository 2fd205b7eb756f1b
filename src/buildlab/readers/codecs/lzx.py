"""LZX as [MS-PATCH] describes it: the chunks of WIM and WOF files, and the folders of cabinets."""

from io import BytesIO

from buildlab.errors import FormatError
from buildlab.readers.codecs.lzx_stream import POSITION_SLOTS, LzxStream
from buildlab.readers.codecs.x86_calls import translate_calls

FRAME = 1 << 15
"""Bytes of output that one data block of a cabinet holds."""
WIM_CHUNKS = (1 << 15, 1 << 21)
"""The least and the greatest chunk size of a WIM file."""
_CALL_SIZE = 12_000_000
_TRANSLATED_FRAMES = 1 << 15


def decompress_lzx_chunk(data: bytes, size: int, *, chunk_size: int | None = None) -> bytes:
    """One chunk of a WIM or WOF file decoded to exactly `size` bytes. FormatError when `data` is not that.

    `chunk_size` is that of the whole file, which also a short last chunk is coded for: a power of two from 32 KiB to
    2 MiB. Without it the smallest of these that holds `size` is taken, which is right for 32 KiB chunks (WOF, and
    WIM files by default). `data` must not be a chunk that is stored raw.
    """
    least, greatest = WIM_CHUNKS
    if chunk_size is None:
        chunk_size = max(least, 1 << max(size - 1, 0).bit_length())
    if chunk_size & (chunk_size - 1) or not least <= chunk_size <= greatest:
        raise FormatError("lzx", f"a chunk size of {chunk_size} bytes")
    if not 0 < size <= chunk_size:
        raise FormatError("lzx", f"a chunk of {size} bytes where {chunk_size} are the most")
    stream = LzxStream(chunk_size.bit_length() - 1, True)
    stream.feed(data)
    # What BytesIO was given is written in place and given back, for nothing else has it: no second copy of a chunk.
    out = BytesIO(bytes(size))
    with out.getbuffer() as view:
        stream.decode(view, 0, size)
        translate_calls(view, 0, _CALL_SIZE)
    return out.getvalue()


class LzxFolder:
    """The decoder of one folder of a cabinet; its frames must be given in order.

    `window_bits` is 15 to 21, from the folder's compression word. Memory: two windows and a frame.
    """

    def __init__(self, window_bits: int) -> None:
        if window_bits not in POSITION_SLOTS:
            raise FormatError("lzx", f"a window of 2^{window_bits} bytes")
        self._window = 1 << window_bits
        self._stream = LzxStream(window_bits, False)
        self._history = bytearray()
        self._frames = 0
        self._produced = 0
        self._call_size: int | None = None

    def decode_frame(self, data: bytes, size: int) -> bytes:
        """The `size` bytes (1 to 32,768; less only in the last frame) that one data block holds.

        FormatError when `data` is not that; the decoder cannot go on then.
        """
        if not 0 < size <= FRAME:
            raise FormatError("lzx", f"a frame of {size} bytes; at most {FRAME} are possible")
        if self._produced != self._frames * FRAME:
            raise FormatError("lzx", "a frame behind a short one")
        self._stream.feed(data)
        if not self._frames:
            self._call_size = self._stream.call_size()
        history = self._history
        if len(history) >= 2 * self._window:
            del history[: len(history) - self._window]
        start = len(history)
        history.extend(bytes(size))
        self._stream.decode(history, start, start + size)
        frame = history[start:]
        if self._call_size is not None and self._frames < _TRANSLATED_FRAMES:
            translate_calls(frame, self._produced, self._call_size)
        self._frames += 1
        self._produced += size
        return bytes(frame)
