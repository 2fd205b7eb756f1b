"""LZMS chunks, as in solid WIM files (.esd) and compressed manifests.

There is no public specification. Observed in files of Windows and of wimlib: a range coder reads words from the
front of a chunk, adaptive prefix codes read bits from its end, and both meet in the middle.
"""

from __future__ import annotations

from io import BytesIO

from buildlab.errors import FormatError
from buildlab.readers.codecs.lzms_stream import LzmsStream
from buildlab.readers.codecs.x86_calls import restore_lzms_addresses

MAX_CHUNK = 128 << 20
"""Solid WIM files have chunks of 64 MiB; the format would allow for 1 GiB."""


def decompress_lzms_chunk(data: bytes, size: int) -> bytes:
    """One chunk decoded to exactly `size` bytes (1 to 128 MiB). FormatError when `data` is not that.

    `data` must not be a chunk that is stored raw.
    """
    if not 0 < size <= MAX_CHUNK:
        raise FormatError("lzms", f"a chunk of {size} bytes; {MAX_CHUNK} are the most")
    if len(data) < 4 or len(data) & 1:
        raise FormatError("lzms", f"{len(data)} bytes are no whole words", offset=len(data))
    # What BytesIO was given is written in place and given back, for nothing else has it: no second copy of a chunk.
    out = BytesIO(bytes(size))
    stream = LzmsStream(data, size)
    del data  # the stream has a copy of its own
    with out.getbuffer() as view:
        stream.decode(view)
        restore_lzms_addresses(view)
    return out.getvalue()
