"""The base block of hives and logs."""

import struct

import pytest

from buildlab.errors import FormatError
from buildlab.readers.hive_base_block import checksum, parse_base_block
from tests.kit.hive import base_block


def test_every_field() -> None:
    data = base_block(
        bins_size=8192, root=0x120, minor=3, file_name="SOFTWARE", sequence=(41, 40), written=99, file_type=6
    )
    block = parse_base_block(data)
    assert (block.primary_sequence, block.secondary_sequence, block.written) == (41, 40, 99)
    assert (block.major, block.minor, block.type) == (1, 3, 6)
    assert (block.root, block.bins_size, block.clustering) == (0x120, 8192, 1)
    assert (block.file_name, block.checksum_matches) == ("SOFTWARE", True)


@pytest.mark.parametrize(("sequence", "dirty"), [((1, 1), False), ((2, 1), True), ((1, 2), True)])
def test_differing_sequences_make_it_dirty(sequence: tuple[int, int], dirty: bool) -> None:
    assert parse_base_block(base_block(bins_size=4096, sequence=sequence)).is_dirty is dirty


@pytest.mark.parametrize("offset", [4, 36, 48, 507, 508, 511])
def test_any_changed_byte_spoils_the_checksum(offset: int) -> None:
    data = bytearray(base_block(bins_size=4096))
    data[offset] ^= 1
    block = parse_base_block(data)
    assert (block.checksum_matches, block.is_dirty) == (False, True)


@pytest.mark.parametrize(("word", "stored"), [(0, 1), (0xFFFFFFFF, 0xFFFFFFFE), (0x1234, 0x1234)])
def test_the_checksum_is_never_zero_nor_all_ones(word: int, stored: int) -> None:
    assert checksum(struct.pack("<I", word) + bytes(504)) == stored


@pytest.mark.parametrize("length", [0, 1, 3, 4, 48, 508, 511])
def test_a_cut_block_is_refused(length: int) -> None:
    with pytest.raises(FormatError):
        parse_base_block(base_block(bins_size=4096)[:length])


def test_the_name_ends_at_its_first_nul() -> None:
    data = bytearray(base_block(bins_size=4096, file_name="SYSTEM"))
    data[48 + 14 : 48 + 18] = b"x\0y\0"
    assert parse_base_block(data).file_name == "SYSTEM"
