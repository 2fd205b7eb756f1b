"""DEFLATE streams of known size with a checksum (zlib's, RFC 1950), by libdeflate: three to six times as fast as zlib.

libdeflate decodes a stream whole or not at all. So it serves sound streams, and zlib, which says what is wrong and
gives what stands before it, all others. It takes some code tables that zlib refuses: without a checksum behind it, such
a stream would be read where it is damaged, so those of RFC 1951 alone are left to zlib.
"""

try:
    from deflate import DeflateError, zlib_decompress
except ImportError:  # there are no wheels of it for every machine
    HAS_LIBDEFLATE = False
else:
    HAS_LIBDEFLATE = True


def inflate_whole(data: bytes, size: int) -> bytes | None:
    """All that a stream holds, its checksum compared; what stands behind its end is ignored.

    None where it holds more than `size` bytes (at least 1), is damaged or cut, or without libdeflate: then zlib is to
    be asked.
    """
    if not HAS_LIBDEFLATE:
        return None
    try:
        return bytes(zlib_decompress(data, size))
    except DeflateError:
        return None
