"""Shadow copies of our own writer: content through libvshadow, addresses that name them, damage."""

import random
import struct
import sys
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, EncryptedVolumeError, FormatError, PathNotFoundError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.shadow_catalog import read_shadow_catalog
from buildlab.sources.shadow_volume import choose_shadow_copy, open_shadow_copy
from buildlab.sources.target import Target, open_target
from tests.kit.disk import Volume, write_mbr
from tests.kit.shadow_copies import BLOCK, HEADER_OFFSET
from tests.places import FIXTURES
from tests.sources.protected_volumes import FIXTURE, FREE_BEFORE, plain_volume, shadowed

METADATA = FREE_BEFORE * BLOCK


def copy_bytes(volume: bytes, number: int) -> bytes:
    source = MemoryBytes(volume)
    copies = read_shadow_catalog(source, DEFAULT_LIMITS)
    content = open_shadow_copy(source, choose_shadow_copy(copies, number))
    return content.read_at(0, content.size)


def target_of(folder: Path, data: bytes, address: str = "") -> Target:
    path = folder / "disk"
    path.write_bytes(data)
    with open_target(f"{path}{address}") as target:
        return target


@pytest.mark.parametrize("number", [1, 2])
def test_the_blocks_of_a_copy_are_those_of_its_time(number: int) -> None:
    live, *old = shadowed()
    content = copy_bytes(live, number)
    assert len(content) == len(plain_volume())
    assert content[METADATA:] == old[number - 1][METADATA:]
    assert content[METADATA:] != live[METADATA:]


def test_the_volume_lists_its_copies(tmp_path: Path) -> None:
    target = target_of(tmp_path, shadowed()[0])
    assert [copy.number for copy in target.volumes[0].shadow_copies] == [1, 2]
    assert target.volumes[0].shadow_copy is None


@pytest.mark.parametrize("address", ["@shadow1", "#1@shadow1", "@shadow01"])
def test_a_copy_is_read_instead_of_the_volume(tmp_path: Path, address: str) -> None:
    target = target_of(tmp_path, shadowed()[0], address)
    (volume,) = target.volumes
    assert (target.error, volume.error, volume.location, volume.shadow_copy) == (None, None, "@shadow1", 1)
    path = tmp_path / "plain"
    path.write_bytes(plain_volume())
    with open_target(str(path)) as plain, open_target(f"{tmp_path}/disk{address}") as copy:
        trees = plain.volumes[0].tree, copy.volumes[0].tree
        assert trees[0] is not None
        assert trees[1] is not None
        kernels = [tree.open("/Windows/System32/ntoskrnl.exe") for tree in trees if tree is not None]
        assert kernels[0].read_at(0, 1 << 20) == kernels[1].read_at(0, 1 << 20)


def test_a_copy_of_a_partition(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    with path.open("wb") as out:
        write_mbr(out, [Volume(plain_volume()), Volume(shadowed()[0])])
    with open_target(f"{path}#2@shadow2") as target:
        assert [(volume.location, volume.error) for volume in target.volumes] == [("partition 2@shadow2", None)]
    with open_target(f"{path}@shadow2") as target:
        assert isinstance(target.error, PathNotFoundError)
        assert target.error.hint == "name one: #2@shadow1"
    with open_target(f"{path}#1@shadow1") as target:
        assert isinstance(target.error, PathNotFoundError)
        assert target.error.hint == "shadow copies here: none"


@pytest.mark.parametrize("number", ["0", "3", "999999"])
def test_a_copy_that_is_not_there(tmp_path: Path, number: str) -> None:
    target = target_of(tmp_path, shadowed()[0], f"@shadow{number}")
    assert isinstance(target.error, PathNotFoundError)
    assert target.error.hint == "shadow copies here: 1, 2"
    assert target.volumes == ()


def test_a_folder_has_no_shadow_copies(tmp_path: Path) -> None:
    with open_target(f"{tmp_path}@shadow1") as target:
        assert isinstance(target.error, PathNotFoundError)


def test_a_disk_keeps_its_error(tmp_path: Path) -> None:
    target = target_of(tmp_path, b"\xeb\x58\x90-FVE-FS-".ljust(8192, b"\0"), "@shadow1")
    assert isinstance(target.error, EncryptedVolumeError)


def test_without_the_extra_the_copies_are_listed_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyvshadow", None)
    assert len(target_of(tmp_path, shadowed()[0]).volumes[0].shadow_copies) == 2
    (volume,) = target_of(tmp_path, shadowed()[0], "@shadow1").volumes
    assert isinstance(volume.error, UnsupportedContentError)
    assert volume.error.hint is not None
    assert "buildlab[shadow]" in volume.error.hint
    assert volume.error.path == "@shadow1"


def test_a_damaged_catalogue_does_not_hide_the_volume(tmp_path: Path) -> None:
    data = bytearray(plain_volume())
    data[HEADER_OFFSET : HEADER_OFFSET + 512] = shadowed()[0][HEADER_OFFSET : HEADER_OFFSET + 512]
    struct.pack_into("<Q", data, HEADER_OFFSET + 48, 1 << 50)
    volume = target_of(tmp_path, bytes(data)).volumes[0]
    assert isinstance(volume.shadow_damage, FormatError)
    assert (volume.error, volume.tree is None) == (None, False)
    assert isinstance(target_of(tmp_path, bytes(data), "@shadow1").error, FormatError)


def test_corrupted_stores_raise_only_our_errors() -> None:
    live = shadowed()[0]
    numbers = random.Random(7)
    places = [at for at in range(10 * BLOCK, METADATA) if live[at]] + list(range(HEADER_OFFSET, HEADER_OFFSET + 100))
    outcomes = set()
    for _ in range(400):
        damaged = bytearray(live)
        for _ in range(numbers.choice((1, 1, 2, 8))):
            damaged[numbers.choice(places)] = numbers.choice((0, 0x7F, 0x80, 0xFF))
        source = MemoryBytes(bytes(damaged))
        try:
            for copy in read_shadow_catalog(source, DEFAULT_LIMITS):
                content = open_shadow_copy(source, copy)
                for offset in (0, 30 * BLOCK, content.size - 512):
                    content.read_at(offset, 4096)
            outcomes.add("read")
        except BuildlabError as error:
            outcomes.add(type(error).__name__)
    assert {"read", FormatError.__name__} <= outcomes


@pytest.mark.parametrize("cut", [11 * BLOCK, 14 * BLOCK, 40 * BLOCK])
def test_copies_of_a_cut_volume(tmp_path: Path, cut: int) -> None:
    for address in ("@shadow1", "@shadow2"):
        target = target_of(tmp_path, shadowed()[0][:cut], address)
        (error,) = [problem for problem in (target.error, *(volume.error for volume in target.volumes)) if problem]
        assert isinstance(error, BuildlabError)


def test_a_fixture_has_none() -> None:
    with open_target(str(FIXTURES / FIXTURE)) as target:
        assert target.volumes[0].shadow_copies == ()
