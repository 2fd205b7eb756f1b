"""DEFLATE streams (RFC 1950 and 1951) of known size, by libdeflate: three to six times as fast as zlib.

libdeflate decodes a stream whole or not at all. So it serves sound streams, and zlib, which says what is wrong and
gives what stands before it, all others: what is read does not depend on which of them is there.
"""

try:
    from deflate import DeflateError, deflate_decompress, zlib_decompress
except ImportError:  # there are no wheels of it for every machine
    HAS_LIBDEFLATE = False
else:
    HAS_LIBDEFLATE = True


def inflate_whole(data: bytes, size: int, *, raw: bool = False) -> bytes | None:
    """All that a stream holds, its checksum compared; what stands behind its end is ignored. `raw` is one without
    header and checksum.

    None where it holds more than `size` bytes (at least 1), is damaged or cut, or without libdeflate: then zlib is to
    be asked.
    """
    if not HAS_LIBDEFLATE:
        return None
    try:
        return bytes(deflate_decompress(data, size) if raw else zlib_decompress(data, size))
    except DeflateError:
        return None
