"""Real programs and what is looked for in self-extractors: none of them is one, and a real IA-64 driver inside one."""

from pathlib import Path

import pytest

from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.pe import read_pe
from buildlab.readers.self_extractor import find_embedded_cabinet
from buildlab.sources.container import Probe, choose_container, open_container
from buildlab.windows.architecture import Architecture, from_pe_machine
from tests.kit.legacy_updates import CARRIERS, Carrier, LegacyUpdate, packed, self_extractor
from tests.real.conftest import RealFile


@pytest.mark.parametrize("name", ["pe/ia64_libusb0.sys", "pa30/cmd.exe", "hives/EZ_NotAHive"])
def test_programs_that_carry_nothing(name: str, real_file: RealFile) -> None:
    assert find_embedded_cabinet(MemoryBytes(real_file(name))) is None


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_real_driver_for_ia64_in_an_extractor_for_x86(carrier: Carrier, real_file: RealFile) -> None:
    driver = real_file("pe/ia64_libusb0.sys")
    files = LegacyUpdate(architecture="ia64", windows=(5, 2, 3790)).files() | {"SP1QFE\\libusb0.sys": driver}
    probe = Probe(Path("update.exe"), MemoryBytes(self_extractor(packed(files), carrier)))
    tree = open_container(choose_container(probe), probe, DEFAULT_LIMITS).tree
    assert tree is not None
    assert tree.read("sp1qfe/libusb0.sys", 1 << 20) == driver
    assert from_pe_machine(read_pe(tree.open("SP1QFE/libusb0.sys")).machine) is Architecture.IA64
