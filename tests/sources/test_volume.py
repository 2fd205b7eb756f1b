"""Partition schemes are exclusive."""

import io

import pytest

from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.container import Probe
from buildlab.sources.containers.vhd import VHD
from buildlab.sources.volume import partition_schemes
from tests.kit.disk import Volume, write_gpt, write_mbr
from tests.places import FIXTURES, fixture_names
from tests.sources.test_file_system import HEADS


def schemes(disk: ByteSource) -> list[str]:
    return [scheme.name for scheme in partition_schemes() if scheme.probe(disk)]


def mbr() -> bytes:
    out = io.BytesIO()
    write_mbr(out, [Volume(HEADS["NTFS"][0])])
    return out.getvalue()


def gpt() -> bytes:
    out = io.BytesIO()
    write_gpt(out, [Volume(HEADS["NTFS"][0])])
    return out.getvalue()


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (mbr(), ["mbr"]),
        (gpt(), ["gpt"]),
        (bytes(512) + gpt()[512:], ["gpt"]),
        (gpt()[:512] + bytes(512) + gpt()[1024:], ["gpt"]),
        (mbr()[:512] + gpt()[512:], ["gpt"]),
        (bytes(100_000), []),
        (b"", []),
        (b"x", []),
        *[(data, ["unpartitioned"]) for heads in HEADS.values() for data in heads],
    ],
)
def test_at_most_one_scheme(disk: bytes, expected: list[str]) -> None:
    assert schemes(MemoryBytes(disk)) == expected


@pytest.mark.parametrize("name", fixture_names())
def test_every_fixture_has_one_scheme(name: str) -> None:
    with HostFile(FIXTURES / name) as source:
        disk: ByteSource | None = source
        if name.endswith(".vhd"):
            assert VHD.open is not None
            disk = VHD.open(Probe(FIXTURES / name, source), DEFAULT_LIMITS).disk
        assert disk is not None
        assert len(schemes(disk)) == 1
