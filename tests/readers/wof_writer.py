"""Files of the Windows Overlay Filter: reparse point and compressed stream, their chunks by libwim."""

import struct

from tests.readers.codecs.libwim import compress

ALGORITHMS = {0: ("xpress", 4096), 1: ("lzx", 32768), 2: ("xpress", 8192), 3: ("xpress", 16384)}


def reparse_point(algorithm: int, *, tag: int = 0x80000017, provider: int = 2) -> bytes:
    """The content of the reparse attribute."""
    return struct.pack("<IHHIIII", tag, 16, 0, 1, provider, 1, algorithm)


def compressed_stream(data: bytes, algorithm: int) -> bytes:
    """What ``WofCompressedData`` holds for a file of this content."""
    codec, chunk_size = ALGORITHMS[algorithm]
    parts = [chunk.stored or chunk.plain for chunk in compress(codec, data, chunk_size)]
    ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts) - 1)]
    return struct.pack(f"<{len(ends)}I", *ends) + b"".join(parts)
