"""What libraries in C read from, and what is made of their answers."""

import io

import pytest

from buildlab.errors import FormatError, TruncatedError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.byte_sources import Extent
from buildlab.sources.library_bytes import FileObject, LibraryBytes

MESSAGE = "pyx_open: unable to open. libx_inner: the cause at: 0x10. libx_middle: more. libx_open: even more."


class _Library:
    """Stands for an object of a library: gives at most ten bytes at a time, and nothing behind its end."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        self._data = data
        self._error = error

    def read_buffer_at_offset(self, size: int, offset: int) -> bytes:
        if self._error is not None:
            raise self._error
        return self._data[offset : offset + min(size, 10)]


def library_bytes(data: bytes, size: int, error: Exception | None = None) -> LibraryBytes:
    return LibraryBytes(_Library(data, error), size, FileObject(MemoryBytes(b"")), "x")


def test_reads_are_put_together() -> None:
    data = bytes(range(100))
    source = library_bytes(data, 100)
    for offset, length in ((0, 100), (5, 37), (90, 50), (99, 1)):
        assert source.read_at(offset, length) == data[offset : offset + length]
    assert (source.size, source.read_at(100, 1), source.read_at(-1, 5), source.read_at(0, 0)) == (100, b"", b"", b"")


def test_an_end_before_the_stated_size() -> None:
    with pytest.raises(TruncatedError) as caught:
        library_bytes(bytes(55), 100).read_at(50, 10)
    assert caught.value.offset == 55


@pytest.mark.parametrize("error", [OSError(MESSAGE), OSError(MESSAGE.replace(". ", ".\n"))])
def test_the_cause_is_told_and_not_the_way_to_it(error: OSError) -> None:
    with pytest.raises(FormatError) as caught:
        library_bytes(b"", 10, error).read_at(0, 1)
    assert caught.value.message == "x: offset 0x0 cannot be read: the cause at: 0x10"


@pytest.mark.parametrize(("error", "reason"), [(MemoryError(), "MemoryError"), (ValueError("f: bad"), "bad")])
def test_errors_of_other_kinds(error: Exception, reason: str) -> None:
    assert FileObject(MemoryBytes(b"")).translated(error, "x", "what").message == f"x: what: {reason}"


def test_the_error_of_the_source_beneath_comes_through_once() -> None:
    beneath = FileObject(Extent(MemoryBytes(bytes(10)), 0, 20))
    beneath.seek(5)
    with pytest.raises(OSError, match="ends inside") as caught:
        beneath.read(10)
    assert isinstance(beneath.translated(caught.value, "x", "what"), TruncatedError)
    assert isinstance(beneath.translated(caught.value, "x", "what"), FormatError)


def test_the_cursor() -> None:
    file = FileObject(MemoryBytes(b"0123456789"))
    assert (file.seek(-3, io.SEEK_END), file.read(2), file.tell(), file.get_size()) == (7, b"78", 9, 10)
    assert (file.seek(-1, io.SEEK_CUR), file.read(5)) == (8, b"89")
