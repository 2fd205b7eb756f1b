"""Headers of deltas, readable without the old file."""

import random
import struct
import zlib

import pytest

from buildlab.errors import BuildlabError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.delta import apply_delta
from buildlab.readers.delta_header import DeltaHeader, is_delta, read_delta, read_delta_header
from tests.kit.delta import AMD64, SHA256, DeltaBits, preprocess_data, write_delta

TIME = 0x01D0F1C0_12345678


def header(data: bytes) -> DeltaHeader:
    return read_delta_header(MemoryBytes(data))


@pytest.mark.parametrize("magic", ["PA30", "PA31"])
def test_everything_that_it_says(magic: str) -> None:
    delta = write_delta(
        b"",
        b"abc",
        algorithm=SHA256,
        file_type=AMD64,
        file_type_set=0x0F,
        flags=0x2E63E,
        file_time=TIME,
        preprocess=preprocess_data(),
        magic=magic.encode(),
    )
    found = header(delta)
    assert (found.format, found.target_size, found.file_time) == (magic, 3, TIME)
    assert (found.file_type, found.file_type_name, found.file_type_set) == (8, "AMD64", 0x0F)
    assert found.flags == 0x2E63E
    assert found.flag_names[:3] == ("MARK", "IMPORTS", "EXPORTS")
    assert {"AMD64_DISASM", "AMD64_PDATA", "UNBIND", "IGNORE_FILE_SIZE_LIMIT"} < set(found.flag_names)
    assert (found.hash_algorithm, found.hash_name, len(found.target_hash)) == (SHA256, "sha256", 32)
    assert not found.is_reverse
    assert found.target_checksum is None
    assert found.matches(b"abc") is True
    assert found.matches(b"abd") is False
    assert read_delta(delta).header == found


def test_what_has_no_name_is_a_number() -> None:
    found = header(write_delta(b"", b"", algorithm=0, file_type=0x33, flags=0x1000001, file_type_set=0x101))
    assert (found.file_type_name, found.flag_names) == ("0x33", ("E8", "0x1000000"))
    assert found.is_reverse
    assert found.hash_name is None
    assert found.matches(b"") is None


def test_a_long_delta_needs_only_its_head() -> None:
    class Head(MemoryBytes):
        def read_at(self, offset: int, length: int) -> bytes:
            assert offset + length <= 4096
            return super().read_at(offset, length)

    content = random.Random(1).randbytes(12_000)
    delta = write_delta(b"", content)
    assert len(delta) > 10_000
    assert read_delta_header(Head(delta)).target_size == len(content)


def test_a_checksum_before_it() -> None:
    delta = write_delta(b"", b"abc")
    checked = struct.pack("<I", zlib.crc32(delta)) + delta
    assert is_delta(checked[:8])
    assert header(checked) == header(delta)
    assert apply_delta(checked, b"") == b"abc"
    with pytest.raises(FormatError, match="checksum"):
        apply_delta(b"\0\0\0\0" + delta, b"")


def number(value: int) -> bytes:
    """A number of PA19: seven bits a byte, the last one with its high bit set."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F)
    return bytes([*parts[:-1], parts[-1] | 0x80])


@pytest.mark.parametrize(
    ("options", "before"),
    [
        (0x00040000, b""),
        (0, number(0x10000000)),
        (0x00840000, b"\1\2\3\4"),
        (0x80840000, b"\5\5\5\5\1\2\3\4"),
    ],
)
def test_the_header_of_an_older_format(options: int, before: bytes) -> None:
    delta = b"PA19" + struct.pack("<I", options) + before + number(300_000) + struct.pack("<IB", 0xDEADBEEF, 2)
    found = header(delta)
    assert (found.format, found.target_size, found.flags) == ("PA19", 300_000, options)
    assert (found.target_checksum, found.old_files, found.file_type) == (0xDEADBEEF, 2, None)
    assert (found.flag_names, found.file_type_name, found.hash_name) == ((), None, None)
    with pytest.raises(UnsupportedContentError, match="PA19"):
        apply_delta(delta, b"")
    for length in range(4, len(delta)):
        with pytest.raises(TruncatedError):
            header(delta[:length])


def test_a_number_without_end() -> None:
    with pytest.raises(FormatError, match="64 bits"):
        header(b"PA19" + struct.pack("<I", 0x00040000) + b"\1" * 20)


@pytest.mark.parametrize("data", [b"", b"PA", b"PA30", b"PA3012345678", b"PA29" + bytes(20), b"MZ" + bytes(30)])
def test_what_is_no_delta(data: bytes) -> None:
    with pytest.raises(BuildlabError):
        header(data)
    assert is_delta(data) == data.startswith(b"PA30")


@pytest.mark.parametrize(
    ("values", "digest"),
    [
        ((1, 1, 0, -1, 0), b""),
        ((1, -1, 0, 1, 0), b""),
        ((1, 1, 0, 1, 0x8003), b"short"),
        ((1, 1, 0, 1, 0x8009), bytes(34)),
        ((1, 1, 0, 1, 0), bytes(16)),
    ],
)
def test_numbers_that_cannot_be(values: tuple[int, ...], digest: bytes) -> None:
    bits = DeltaBits()
    for value in values:
        bits.number(value)
    data = b"PA30" + bytes(8) + bits.buffer(digest).buffer(b"").buffer(b"").bytes()
    with pytest.raises(FormatError):
        header(data)


def test_a_number_of_more_than_64_bits() -> None:
    with pytest.raises(FormatError, match="64 bits"):
        header(b"PA30" + bytes(8) + DeltaBits().put(0, 16).put(1, 1).put(0, 80).bytes())
