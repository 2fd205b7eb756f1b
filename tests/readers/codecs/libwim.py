"""Encoder and decoder of libwim, through ctypes: an implementation that is not ours."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import pytest

_KINDS = {"xpress": 1, "lzx": 2, "lzms": 3}
_size = ctypes.c_size_t
_pointer = ctypes.c_void_p


@cache
def find_libwim() -> ctypes.CDLL | None:
    """The library with its types, or None where it is missing."""
    try:
        library = ctypes.CDLL("libwim.so.15")
    except OSError:
        return None
    library.wimlib_create_compressor.argtypes = [ctypes.c_int, _size, ctypes.c_uint, ctypes.POINTER(_pointer)]
    library.wimlib_compress.argtypes = [ctypes.c_char_p, _size, ctypes.c_char_p, _size, _pointer]
    library.wimlib_compress.restype = _size
    library.wimlib_free_compressor.argtypes = [_pointer]
    library.wimlib_create_decompressor.argtypes = [ctypes.c_int, _size, ctypes.POINTER(_pointer)]
    library.wimlib_decompress.argtypes = [ctypes.c_char_p, _size, ctypes.c_char_p, _size, _pointer]
    library.wimlib_free_decompressor.argtypes = [_pointer]
    return library


@dataclass(frozen=True)
class Chunk:
    """One chunk: `stored` is None where it does not get smaller."""

    plain: bytes
    stored: bytes | None


def require_libwim() -> ctypes.CDLL:
    """The library; the test is skipped where it is missing."""
    library = find_libwim()
    if library is None:
        pytest.skip("libwim.so.15 (Debian: libwim15, wimtools) is not installed")
    return library


def compress(codec: str, data: bytes, chunk_size: int, level: int = 0) -> list[Chunk]:
    """`data` cut into chunks, each compressed for itself; level 0 is the library's default, 20 fast, 100 slow."""
    library = require_libwim()
    compressor = _pointer()
    assert library.wimlib_create_compressor(_KINDS[codec], chunk_size, level, ctypes.byref(compressor)) == 0
    room = ctypes.create_string_buffer(chunk_size)
    chunks = []
    for start in range(0, len(data), chunk_size):
        plain = data[start : start + chunk_size]
        stored = None
        if len(plain) > 1:
            length = library.wimlib_compress(plain, len(plain), room, len(plain) - 1, compressor)
            stored = ctypes.string_at(room, length) if length else None
        chunks.append(Chunk(plain, stored))
    library.wimlib_free_compressor(compressor)
    return chunks


@contextmanager
def decompressor(codec: str, chunk_size: int) -> Iterator["Decompressor"]:
    """The library's decoder for chunks of at most `chunk_size` bytes."""
    library = require_libwim()
    handle = _pointer()
    assert library.wimlib_create_decompressor(_KINDS[codec], chunk_size, ctypes.byref(handle)) == 0
    try:
        yield Decompressor(library, handle, ctypes.create_string_buffer(chunk_size))
    finally:
        library.wimlib_free_decompressor(handle)


@dataclass(frozen=True)
class Decompressor:
    """A decoder and its room for one chunk."""

    library: ctypes.CDLL
    handle: ctypes.c_void_p
    room: ctypes.Array[ctypes.c_char]

    def run(self, stored: bytes, size: int) -> bool:
        """Decode into the room; False where the library refuses."""
        return bool(self.library.wimlib_decompress(stored, len(stored), self.room, size, self.handle) == 0)
