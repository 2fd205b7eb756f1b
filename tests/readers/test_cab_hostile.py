"""Cut and changed cabinets: only our own errors, and what is sound stays readable."""

import random
import time

import pytest

from buildlab.errors import BuildlabError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.cab import open_cabinet
from tests.kit.cab import LZX_15, MSZIP, NONE, cabinet, cabinet_set

NUMBERS = random.Random(21)
CONTENTS = {"a\\first": b"abc" * 400, "second": NUMBERS.randbytes(40_000), "third": bytes(50_000)}
METHODS = {"none": NONE, "mszip": MSZIP, "lzx": LZX_15}
LONGEST = 2.0


def read_all(data: bytes) -> tuple[dict[str, bytes], int]:
    """What could be read, and how many errors there were."""
    read: dict[str, bytes] = {}
    try:
        found = open_cabinet(MemoryBytes(data), open_part=lambda name: MemoryBytes(data))
    except BuildlabError:
        return {}, 1
    errors = len(found.damage)
    for member, pieces in found.walk():
        try:
            read[member.name] = b"".join(pieces)
        except BuildlabError:
            errors += 1
    return read, errors


def samples(method: int) -> list[bytes]:
    writer = cabinet(CONTENTS, method)
    writer.reserve = bytes(20)
    return [writer.bytes(), cabinet_set(CONTENTS, method, [(1, 0), (2, 100)])["part1.cab"]]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_cut_anywhere(method: int) -> None:
    whole = samples(method)[0]
    cuts = [*range(200), *range(200, len(whole), max(1, len(whole) // 150)), len(whole) - 1]
    for cut in cuts:
        read, errors = read_all(whole[:cut])
        assert errors
        assert all(CONTENTS[name] == content for name, content in read.items() if name in CONTENTS)
    assert read_all(whole) == (CONTENTS, 0)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_file_before_the_cut_is_read(method: int) -> None:
    whole = samples(method)[0]
    read, _ = read_all(whole[:-5])
    assert read["a\\first"] == CONTENTS["a\\first"]
    assert "third" not in read


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_changed_bytes(method: int) -> None:
    numbers = random.Random(method)
    for whole in samples(method):
        for _ in range(250):
            data = bytearray(whole)
            for _ in range(numbers.choice((1, 1, 2, 8))):
                at = numbers.randrange(300 if numbers.random() < 0.7 else len(data))
                data[at] = numbers.choice((0, 1, 0xFF, data[at] ^ 1 << numbers.randrange(8)))
            begin = time.process_time()
            read_all(bytes(data))
            assert time.process_time() - begin < LONGEST


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_changed_content_is_found_by_its_checksum(method: int) -> None:
    whole = samples(method)[0]
    numbers = random.Random(method)
    start = len(whole) - 40_000 if method == NONE else 200
    for _ in range(60):
        data = bytearray(whole)
        data[numbers.randrange(start, len(data))] ^= 1 << numbers.randrange(8)
        read, errors = read_all(bytes(data))
        assert errors
        assert all(CONTENTS[name] == content for name, content in read.items())


def test_noise_behind_a_signature() -> None:
    numbers = random.Random(3)
    for _ in range(200):
        read_all(b"MSCF\0\0\0\0" + numbers.randbytes(numbers.randrange(300)))
