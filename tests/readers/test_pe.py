"""Version resources of PE files: pefile's full parse is the oracle, the file need not be read whole."""

import random
import struct

import pefile
import pytest

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.pe import PeFile, read_pe
from buildlab.windows.version import NtVersion
from tests.kit.pe import AMD64, ARM64, ARMNT, I386, IA64, version_strings, write_pe

TEXT = "6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)"
BLOCKS = {
    "040904B0": version_strings(TEXT, "ntkrnlmp.exe", "NT Kernel & System"),
    "040704B0": version_strings(
        "6.0.6003.20489", "ntkrnlmp.exe", "NT-Kernel und \N{LATIN SMALL LETTER U WITH DIAERESIS}"
    ),
    "041104B0": {"FileDescription": "\u30ab\u30fc\u30cd\u30eb", "Only": "here"},
}


class Counting:
    """A source that keeps account of what was read from it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.read = 0

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        piece = self._data[offset : offset + length]
        self.read += len(piece)
        return piece


class Broken:
    """A source that ends before its stated size, as a cut disk does."""

    size = 1 << 20

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > len(self._data):
            raise TruncatedError("the disk ends", offset=offset)
        return self._data[offset : offset + length]


def read(data: bytes) -> PeFile:
    return read_pe(MemoryBytes(data))


@pytest.mark.parametrize("machine", [I386, IA64, ARMNT, AMD64, ARM64])
def test_machine_and_version(machine: int) -> None:
    found = read(write_pe(machine=machine, file_version=(6, 0, 6003, 20489), timestamp=0x5C92A000))
    assert (found.machine, found.file_version) == (machine, NtVersion(6, 0, 6003, 20489))
    assert found.link_time == 0x5C92A000


def test_file_and_product_version_are_two_things() -> None:
    found = read(write_pe(file_version=(10, 0, 19041, 3803), product_version=(10, 0, 19041, 1)))
    assert (found.file_version, found.product_version) == (NtVersion(10, 0, 19041, 3803), NtVersion(10, 0, 19041, 1))


def test_the_place_of_the_numbers_is_told() -> None:
    data = write_pe(padding=70_000)
    offset = read(data).fixed_offset
    assert offset is not None
    assert data[offset : offset + 4] == struct.pack("<I", 0xFEEF04BD)


def test_every_language_block() -> None:
    found = read(write_pe(strings=BLOCKS))
    assert [(table.language, table.code_page) for table in found.strings] == [
        (0x409, 0x4B0),
        (0x407, 0x4B0),
        (0x411, 0x4B0),
    ]
    assert [table.strings for table in found.strings] == list(BLOCKS.values())


def test_a_string_is_taken_from_the_first_block_that_has_it() -> None:
    found = read(write_pe(strings=BLOCKS))
    assert found.string("FileVersion") == TEXT
    assert found.string("Only") == "here"
    assert found.string("Absent") is None


def test_text_and_numbers_may_differ_and_both_are_kept() -> None:
    found = read(write_pe(file_version=(6, 0, 6002, 1), strings={"040904B0": {"FileVersion": TEXT}}))
    assert (str(found.file_version), found.string("FileVersion")) == ("6.0.6002.1", TEXT)


@pytest.mark.parametrize("languages", [(0x409,), (0x407, 0x409), (0x409, 0x411, 0x804)])
def test_resources_in_several_languages(languages: tuple[int, ...]) -> None:
    found = read(write_pe(strings=BLOCKS, languages=languages))
    assert found.file_version == NtVersion(6, 0, 6003, 20489)
    assert found.string("FileVersion") == TEXT


def test_without_a_version_resource_the_machine_is_there_all_the_same() -> None:
    found = read(write_pe(machine=IA64, version_resource=False))
    assert found == PeFile(machine=IA64, link_time=found.link_time)


def test_without_strings_the_numbers_are_there_all_the_same() -> None:
    found = read(write_pe(strings=None))
    assert (found.strings, found.file_version) == ((), NtVersion(6, 0, 6003, 20489))


def test_a_block_whose_key_is_no_number_keeps_its_strings() -> None:
    data = write_pe(strings={"040904B0": {"FileVersion": TEXT}})
    found = read(data.replace("040904B0".encode("utf-16-le"), "language".encode("utf-16-le")))
    assert [(table.language, table.code_page) for table in found.strings] == [(0, 0)]
    assert found.string("FileVersion") == TEXT


@pytest.mark.parametrize("machine", [I386, IA64, AMD64])
@pytest.mark.parametrize("is_dll", [False, True])
def test_the_full_parse_of_pefile_says_the_same(machine: int, is_dll: bool) -> None:
    data = write_pe(machine=machine, strings=BLOCKS, is_dll=is_dll, padding=5000)
    oracle = pefile.PE(data=data)
    found = read(data)
    fixed = oracle.VS_FIXEDFILEINFO[0]
    assert found.machine == oracle.FILE_HEADER.Machine
    assert found.link_time == oracle.FILE_HEADER.TimeDateStamp
    assert found.file_version == NtVersion.from_packed(fixed.FileVersionMS, fixed.FileVersionLS)
    tables = [
        {name.decode(): text.decode() for name, text in table.entries.items()}
        for info in oracle.FileInfo[0]
        if info.Key == b"StringFileInfo"
        for table in info.StringTable
    ]
    assert [table.strings for table in found.strings] == tables
    oracle.close()


def test_little_is_read_of_a_large_file() -> None:
    source = Counting(write_pe(strings=BLOCKS, padding=10 << 20))
    assert read_pe(source).string("FileVersion") == TEXT
    assert source.size > 10 << 20
    assert source.read < 200_000


def test_what_is_read_is_bounded() -> None:
    with pytest.raises(FormatError, match="too much"):
        read_pe(MemoryBytes(write_pe(strings=BLOCKS, padding=100_000)), Limits(pe_bytes_read=4096))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"M",
        b"MZ",
        b"ZM" + bytes(600),
        b"MZ" + bytes(600),
        b"regf" + bytes(4096),
        b"MZ" + b"\xff" * 600,
        b"\x7fELF",
    ],
)
def test_what_is_no_pe(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read(data)
    assert caught.value.format == "pe"


def test_cut_at_every_place_only_a_format_error_comes_out() -> None:
    data = write_pe(strings=BLOCKS, padding=1000)
    whole = read(data)
    for length in (*range(0, 700, 7), *range(700, len(data), 97)):
        try:
            found = read(data[:length])
        except FormatError:
            continue
        assert found.machine == whole.machine
        assert found.file_version in (None, whole.file_version), length


@pytest.mark.parametrize("machine", [I386, AMD64])
def test_flipped_bytes_give_a_format_error_or_an_answer(machine: int) -> None:
    data = write_pe(machine=machine, strings=BLOCKS)
    used = [offset for offset in range(len(data)) if data[offset]]
    numbers = random.Random(machine)
    for _ in range(400):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 2, 10))):
            spoilt[numbers.choice(used)] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF))
        try:
            read(bytes(spoilt))
        except FormatError as error:
            assert error.format == "pe"


def test_a_disk_that_ends_inside_the_file_is_the_disk_s_error() -> None:
    data = write_pe(strings=BLOCKS, padding=50_000)
    with pytest.raises(BuildlabError) as caught:
        read_pe(Broken(data[:20_000]))
    assert isinstance(caught.value, TruncatedError)
