"""QCOW2 files that no program writes: an error of ours, soon, and without memory for what is merely stated."""

import random
import resource
import struct
import time
import zlib
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.sources.containers.qcow2 import QCOW2
from buildlab.sources.target import open_target
from tests.sources.containers.disk_images import disk_of, open_bytes, readable_pieces

CLUSTER = 4096
RAW = random.Random(1).randbytes(6 * CLUSTER)
COMPRESSED = 1 << 62


def packed_entry(place: int, stored: int) -> int:
    """The entry of a cluster that is compressed to `stored` bytes at `place`."""
    sectors = (place + stored - 1) // 512 - place // 512
    return COMPRESSED | sectors << (62 - 4) | place


def image(**changes: int) -> bytes:
    """A disk of eight clusters: five with data, one of zeros, one compressed, one absent. `changes` are fields of the
    header by name, and entries of the second-level table as ``entry0`` and so on."""
    packer = zlib.compressobj(wbits=-12)
    packed = packer.compress(b"packed--" * (CLUSTER // 8)) + packer.flush()
    packed_at = 8 * CLUSTER + 100
    entries = [*((3 + number) * CLUSTER for number in range(5)), 1, packed_entry(packed_at, len(packed)), 0]
    fields = {
        "version": 3, "backing_file_offset": 0, "backing_file_size": 0, "cluster_bits": 12, "size": 8 * CLUSTER,
        "crypt_method": 0, "l1_size": 1, "l1_table_offset": CLUSTER, "refcount_table_offset": 0,
        "refcount_table_clusters": 0, "nb_snapshots": 0, "snapshots_offset": 0, "incompatible_features": 0,
        "compatible_features": 0, "autoclear_features": 0, "refcount_order": 4, "header_length": 112,
        "compression_type": 0,
    }  # fmt: skip
    first_level = changes.pop("l1_entry", 2 * CLUSTER | 1 << 63)
    for name, value in changes.items():
        if name.startswith("entry"):
            entries[int(name[5:])] = value
        else:
            assert name in fields
            fields[name] = value
    data = bytearray(9 * CLUSTER)
    struct.pack_into(">4sIQIIQIIQQIIQQQQIIB", data, 0, b"QFI\xfb", *fields.values())
    struct.pack_into(">Q", data, CLUSTER, first_level)
    struct.pack_into(">8Q", data, 2 * CLUSTER, *entries)
    data[3 * CLUSTER : 8 * CLUSTER] = RAW[: 5 * CLUSTER]
    data[packed_at : packed_at + len(packed)] = packed
    return bytes(data)


EXPECTED = RAW[: 5 * CLUSTER] + bytes(CLUSTER) + b"packed--" * (CLUSTER // 8) + bytes(CLUSTER)


def test_the_sound_one() -> None:
    opened = open_bytes(QCOW2, image())
    assert disk_of(opened).read_at(0, 8 * CLUSTER) == EXPECTED
    assert opened.damage == ()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"version": 1}, UnsupportedContentError),
        ({"version": 4}, UnsupportedContentError),
        ({"cluster_bits": 8}, FormatError),
        ({"cluster_bits": 22}, FormatError),
        ({"cluster_bits": 0xFFFFFFFF}, FormatError),
        ({"header_length": 0}, FormatError),
        ({"header_length": 103}, FormatError),
        ({"header_length": 0xFFFFFFF8}, FormatError),
        ({"l1_size": 0}, FormatError),
        ({"l1_table_offset": 1 << 40}, TruncatedError),
        ({"l1_table_offset": (1 << 64) - 8}, TruncatedError),
        ({"size": (64 << 40) + 1}, LimitExceededError),
        ({"size": (1 << 64) - 1}, LimitExceededError),
        ({"size": 64 << 40, "cluster_bits": 9, "l1_size": 0xFFFFFFFF}, LimitExceededError),
        ({"size": 64 << 40, "l1_size": 0xFFFFFFFF}, TruncatedError),
        ({"incompatible_features": 1 << 2}, UnsupportedContentError),
        ({"incompatible_features": 1 << 5}, UnsupportedContentError),
        ({"incompatible_features": 1 << 63}, UnsupportedContentError),
        ({"incompatible_features": 1 << 4}, FormatError),
        ({"incompatible_features": 1 << 3}, FormatError),
        ({"compression_type": 1}, FormatError),
        ({"incompatible_features": 1 << 3, "compression_type": 2}, UnsupportedContentError),
        ({"backing_file_offset": 500}, FormatError),
        ({"backing_file_offset": 500, "backing_file_size": 1024}, FormatError),
        ({"backing_file_offset": 1 << 63, "backing_file_size": 10}, TruncatedError),
    ],
)
def test_headers_that_cannot_be(changes: dict[str, int], error: type[BuildlabError]) -> None:
    with pytest.raises(error):
        open_bytes(QCOW2, image(**changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"l1_entry": 1 << 40}, TruncatedError),
        ({"l1_entry": 0x00FFFFFFFFFFF000}, TruncatedError),
        ({"l1_entry": 2 * CLUSTER + 512}, FormatError),
        ({"entry0": 1 << 40}, TruncatedError),
        ({"entry0": 9 * CLUSTER}, TruncatedError),
        ({"entry0": 3 * CLUSTER + 512}, FormatError),
        ({"entry0": packed_entry(1 << 50, 100)}, TruncatedError),
        ({"entry0": packed_entry(3 * CLUSTER, 3000)}, FormatError),
        ({"entry0": (1 << 63) - 1}, BuildlabError),
        ({"entry0": 1, "version": 2}, FormatError),
    ],
)
def test_tables_that_cannot_be(changes: dict[str, int], error: type[BuildlabError]) -> None:
    disk = disk_of(open_bytes(QCOW2, image(**changes)))
    with pytest.raises(error):
        disk.read_at(0, 1)
    with pytest.raises(error):
        disk.read_at(0, 8 * CLUSTER)


def test_a_bad_entry_is_an_error_of_its_cluster_only() -> None:
    disk = disk_of(open_bytes(QCOW2, image(entry0=1 << 40)))
    assert disk.read_at(CLUSTER, 7 * CLUSTER) == EXPECTED[CLUSTER:]


def test_clusters_that_overlap_are_read_as_stated() -> None:
    """The table itself as the content of a cluster, and one cluster twice."""
    disk = disk_of(open_bytes(QCOW2, image(entry0=4 * CLUSTER, entry1=4 * CLUSTER, entry2=2 * CLUSTER)))
    assert disk.read_at(0, CLUSTER) == disk.read_at(CLUSTER, CLUSTER) == RAW[CLUSTER : 2 * CLUSTER]
    assert disk.read_at(2 * CLUSTER, 8) == struct.pack(">Q", 4 * CLUSTER)


@pytest.mark.parametrize("order", [0, 4, 6, 7, 0xFFFFFFFF])
@pytest.mark.parametrize("offset", [0, CLUSTER, 3 * CLUSTER, 1 << 40, (1 << 64) - 1])
def test_reference_counts_that_make_no_sense_change_nothing(offset: int, order: int) -> None:
    data = image(refcount_table_offset=offset, refcount_table_clusters=0xFFFFFFFF, refcount_order=order)
    assert disk_of(open_bytes(QCOW2, data)).read_at(0, 8 * CLUSTER) == EXPECTED


def test_a_table_behind_the_end_of_the_file_is_damage() -> None:
    (damage,) = open_bytes(QCOW2, image(l1_entry=1 << 40)).damage
    assert isinstance(damage, TruncatedError)


def test_header_extensions_that_run_on() -> None:
    data = bytearray(image(backing_file_offset=3000, backing_file_size=4))
    data[3000:3004] = b"base"
    struct.pack_into(">II", data, 112, 0xE2792ACA, 0xFFFFFFFF)
    with pytest.raises(BuildlabError, match="'base'"):
        open_bytes(QCOW2, bytes(data))


def test_a_small_file_that_states_a_large_disk_costs_little(tmp_path: Path) -> None:
    path, started = tmp_path / "disk", time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path.write_bytes(image(size=64 << 40, cluster_bits=21, l1_size=1 << 20))
    with open_target(str(path)) as target:
        assert target.error is not None
    assert time.process_time() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_cut_anywhere_what_is_read_is_right() -> None:
    data = image()
    for length in (*range(4, 120), *range(120, len(data), 97)):
        try:
            disk = disk_of(open_bytes(QCOW2, data[:length]))
        except BuildlabError:
            continue
        for offset, piece in readable_pieces(disk, 512):
            assert piece == EXPECTED[offset : offset + 512], (length, offset)


def test_flipped_bytes_give_errors_of_ours() -> None:
    data = image()
    numbers = random.Random(2)
    started = time.process_time()
    for _ in range(1500):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 2, 8))):
            start, length = numbers.choice(((4, 116), (CLUSTER, 8), (2 * CLUSTER, 64), (4, len(data) - 4)))
            place = start + numbers.randrange(length)
            spoilt[place] = numbers.randrange(256)
        try:
            disk = disk_of(open_bytes(QCOW2, bytes(spoilt)))
            for offset in (0, 5 * CLUSTER, max(0, disk.size - CLUSTER)):
                disk.read_at(offset, 3 * CLUSTER)
        except BuildlabError:
            continue
    assert time.process_time() - started < 60
