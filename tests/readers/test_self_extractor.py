"""Where programs have their cabinets: made ones of three kinds, programs without one, and damage."""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.self_extractor import EmbeddedCabinet, find_embedded_cabinet
from tests.kit.cab import LZX_21, NONE
from tests.kit.legacy_updates import CARRIERS, Carrier, LegacyUpdate, packed, packed_update, self_extractor
from tests.kit.pe import AMD64, I386, IA64, write_pe

FindTool = Callable[[str, str], str]
CABINET = packed({"update\\update.inf": b"[Version]\r\n", "a.dll": bytes(70_000)})


def _find(data: bytes) -> EmbeddedCabinet | None:
    return find_embedded_cabinet(MemoryBytes(data))


@pytest.mark.parametrize("machine", [I386, AMD64, IA64])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_place_of_a_cabinet(carrier: Carrier, machine: int) -> None:
    data = self_extractor(CABINET, carrier, machine=machine)
    found = _find(data)
    assert found is not None
    assert (found.carrier, found.machine) == (carrier, machine)
    assert found.offset == data.index(CABINET)
    assert data[found.offset : found.end].startswith(CABINET)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_certificate_table_is_no_part_of_it(carrier: Carrier) -> None:
    data = self_extractor(CABINET, carrier, certificates=b"\x30" * 500)
    found = _find(data)
    assert found is not None
    assert data[found.offset : found.end].rstrip(b"\0") == CABINET.rstrip(b"\0")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_cabextract_finds_the_same(carrier: Carrier, find_tool: FindTool, tmp_path: Path) -> None:
    """Stored folders, so that the files unpacked are those of the writer whatever the tool decodes."""
    files = LegacyUpdate().files()
    path = tmp_path / "update.exe"
    path.write_bytes(self_extractor(packed(files, NONE), carrier))
    out = tmp_path / "out"
    tool = find_tool("cabextract", "cabextract")
    subprocess.run([tool, "-q", "-d", str(out), str(path)], check=True, capture_output=True)
    unpacked = {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert unpacked == {name.replace("\\", "/"): content for name, content in files.items()}


def test_a_gap_before_it_is_searched_as_far_as_the_bound() -> None:
    most = DEFAULT_LIMITS.self_extractor_search
    near, far = self_extractor(CABINET, gap=most - 8), self_extractor(CABINET, gap=most)
    found = _find(near)
    assert found is not None
    assert near[found.offset :] == CABINET
    assert _find(far) is None


@pytest.mark.parametrize(
    "data",
    [
        write_pe(),
        write_pe(machine=IA64, padding=5000),
        write_pe() + b"MSCF\0\0\0\0" * 100,
        self_extractor(b"no cabinet", "resource"),
        self_extractor(b"", "section"),
        self_extractor(b"MSCF\0\0\0\0", "section"),
        write_pe(padding=64).replace(bytes(range(64)), CABINET[:64]),
        self_extractor(CABINET[:24] + b"\x09\x09" + CABINET[26:]),
    ],
    ids=["small", "ia64", "signatures", "resource", "empty", "cut", "in-a-data-section", "version-9"],
)
def test_programs_without_one(data: bytes) -> None:
    assert _find(data) is None


@pytest.mark.parametrize("data", [b"", b"MZ", b"MZ".ljust(64, b"\0"), b"MSCF\0\0\0\0" * 20, b"regf" * 100])
def test_what_is_no_program(data: bytes) -> None:
    with pytest.raises((FormatError, TruncatedError)):
        _find(data)


def test_only_the_start_of_a_large_overlay_is_read() -> None:
    class Counting(MemoryBytes):
        read = 0

        def read_at(self, offset: int, length: int) -> bytes:
            data = super().read_at(offset, length)
            self.read += len(data)
            return data

    source = Counting(write_pe(padding=3_000_000) + bytes(40_000_000))
    assert find_embedded_cabinet(source) is None
    assert source.read < 80_000


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_cut_is_an_error_or_an_answer(carrier: Carrier) -> None:
    data = self_extractor(CABINET, carrier)
    for length in range(0, len(data), 7):
        try:
            found = _find(data[:length])
        except (FormatError, TruncatedError):
            continue
        assert found is None or found.end <= length


@pytest.mark.parametrize("carrier", CARRIERS)
def test_flipped_bytes_never_escape_as_exceptions(carrier: Carrier) -> None:
    data = packed_update(LegacyUpdate(), carrier, method=LZX_21)
    numbers = random.Random(carrier)
    header = 0x400
    resources = data.find(b"C\0A\0B\0") - 90
    for _ in range(2000):
        spoilt = bytearray(data)
        for _ in range(numbers.choice([1, 2, 8])):
            at = numbers.randrange(header) if numbers.random() < 0.7 else max(0, resources) + numbers.randrange(110)
            spoilt[at] = numbers.choice([0, 1, 0x7F, 0x80, 0xFF, numbers.randrange(256)])
        try:
            _find(bytes(spoilt))
        except BuildlabError:
            continue
