"""Programs that unpack an update: their files as a tree, whichever way they carry the cabinet, and programs without."""

import random
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, TruncatedError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.operations.scan import scan
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.pe import read_pe
from buildlab.readers.update_inf import read_update_inf
from buildlab.readers.update_ver import read_update_ver
from buildlab.sources.container import Opened, Probe, choose_container, open_container
from buildlab.sources.tree import Tree
from buildlab.windows.architecture import Architecture, from_pe_machine
from tests.kit.cab import LZX_21, MSZIP, NONE
from tests.kit.legacy_updates import CARRIERS, Carrier, LegacyUpdate, packed, packed_update, self_extractor
from tests.kit.pe import AMD64, I386, IA64, write_pe

XP = LegacyUpdate()
SERVER = LegacyUpdate(
    kb="KB828035",
    title="Windows Server 2003 Hotfix - KB828035",
    product="Windows Server 2003",
    windows=(5, 2, 3790),
    this_service_pack=0x100,
    branches=("RTMGDR", "RTMQFE"),
    revision=91,
)


def _open(data: bytes) -> tuple[str, Opened]:
    probe = Probe(Path("update.exe"), MemoryBytes(data))
    container = choose_container(probe)
    return container.kind, open_container(container, probe, DEFAULT_LIMITS)


def _tree(data: bytes) -> Tree:
    kind, opened = _open(data)
    assert kind == "exe"
    assert opened.damage == ()
    assert opened.tree is not None
    return opened.tree


@pytest.mark.parametrize("method", [NONE, MSZIP, LZX_21])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_file_of_a_package(carrier: Carrier, method: int) -> None:
    tree = _tree(packed_update(XP, carrier, method=method, gap=3 * (carrier == "overlay")))
    for name, content in XP.files().items():
        assert tree.read(name, 1 << 20) == content
    assert {entry.name for entry in tree.entries("/")} == {"update", "spuninst.exe", "ntoskrnl.exe", "rpcss.dll"}


def test_a_signed_package() -> None:
    tree = _tree(self_extractor(packed(XP.files()), certificates=b"\x30" * 6936))
    assert read_update_inf(tree.read("UPDATE/UPDATE.INF", 1 << 20)).kb == "KB824146"


@pytest.mark.parametrize(
    ("word", "stub", "architecture"),
    [
        ("x86", I386, Architecture.X86),
        ("ia64", I386, Architecture.IA64),
        ("ia64", IA64, Architecture.IA64),
        ("amd64", AMD64, Architecture.AMD64),
    ],
)
def test_the_architecture_is_that_of_the_content_and_not_of_the_extractor(
    word: str, stub: int, architecture: Architecture
) -> None:
    update = LegacyUpdate(
        kb=SERVER.kb, windows=SERVER.windows, product=SERVER.product, architecture=word, branches=SERVER.branches
    )
    tree = _tree(packed_update(update, machine=stub))
    for branch in update.branches:
        stated = read_update_inf(tree.read(f"update/update_{branch}.inf", 1 << 20))
        assert stated.stated_architecture is architecture
        for file in stated.files:
            assert from_pe_machine(read_pe(tree.open(file.source)).machine) is architecture
    assert from_pe_machine(read_pe(tree.open("update/update.exe")).machine) is architecture


def test_the_list_of_hashes_states_the_versions_of_each_branch() -> None:
    tree = _tree(packed_update(SERVER))
    listed = {file.path: file for file in read_update_ver(tree.read("update/update.ver", 1 << 20)).files}
    assert {file.branch for file in listed.values()} == {"RTMGDR", "RTMQFE", "update"}
    for branch in SERVER.branches:
        path = f"{branch}\\ntoskrnl.exe"
        assert listed[path].size == tree.open(path).size
        assert listed[path].version is not None


def test_a_package_with_deltas_says_that_they_are_not_undone() -> None:
    files = XP.files() | {"_sfx_manifest_": b"[Deltas]\r\n", "_sfx_0000._p": b"PA19"}
    kind, opened = _open(self_extractor(packed(files)))
    assert kind == "exe"
    assert opened.tree is not None
    assert opened.tree.read("_sfx_0000._p", 10) == b"PA19"
    assert [type(error) for error in opened.damage] == [UnsupportedContentError]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_package_that_is_cut_shows_what_is_left(carrier: Carrier) -> None:
    whole = self_extractor(packed({"first": bytes(100_000), "last": bytes(100_000)}, NONE), carrier)
    kind, opened = _open(whole[:-2000])
    assert kind == "exe"
    assert opened.tree is not None
    assert [type(error) for error in opened.damage] == [TruncatedError]
    assert opened.tree.read("first", 1 << 20) == bytes(100_000)
    with pytest.raises(TruncatedError):
        opened.tree.read("last", 1 << 20)


@pytest.mark.parametrize("data", [write_pe(), packed({"a": b"b"})])
def test_what_is_said_to_be_one_and_is_none(data: bytes) -> None:
    probe = Probe(Path("a.exe"), MemoryBytes(data))
    with pytest.raises(BuildlabError):
        open_container(choose_container(probe, "exe"), probe, DEFAULT_LIMITS)


def test_a_service_pack_has_a_folder_above() -> None:
    update = LegacyUpdate(kb="KB914961", architecture="ia64", windows=(5, 2, 3790), folder="ia64\\")
    tree = _tree(packed_update(update))
    assert read_update_inf(tree.read("ia64/update/update.inf", 1 << 20)).kb == "KB914961"


@pytest.mark.parametrize(
    "data",
    [
        write_pe(),
        write_pe(machine=IA64, padding=5000),
        write_pe() + b"MSCF\0\0\0\0" * 100,
        self_extractor(b"no cabinet", "resource"),
        self_extractor(b"MSCF\0\0\0\0", "section"),
        b"MZ" + bytes(4000),
    ],
    ids=["small", "ia64", "signatures", "resource", "section", "no-pe"],
)
def test_programs_without_a_cabinet_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "program.exe"
    path.write_bytes(data)
    result = scan(path)
    assert [error.kind for error in result.errors] == ["unknown-format"]
    assert result.exit.code == 3


def test_an_update_is_no_windows(tmp_path: Path) -> None:
    path = tmp_path / "WindowsXP-KB824146-x86-ENU.exe"
    path.write_bytes(packed_update(XP))
    result = scan(path)
    assert (result.target.kind, result.exit.code) == ("exe", 3)
    assert result.installations == ()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_cuts_and_flipped_bytes(carrier: Carrier) -> None:
    data = packed_update(LegacyUpdate(payload=("a.dll",)), carrier)
    numbers = random.Random(carrier)
    spoilt = [data[:length] for length in range(0, len(data), 97)]
    for _ in range(200):
        made = bytearray(data)
        for _ in range(numbers.choice([1, 4, 32])):
            made[numbers.randrange(len(data))] = numbers.randrange(256)
        spoilt.append(bytes(made))
    for one in spoilt:
        try:
            _, opened = _open(one)
            for path in ("update/update.inf", "update/update.ver", "a.dll"):
                if opened.tree is not None and opened.tree.entry(path) is not None:
                    opened.tree.read(path, 1 << 20)
        except BuildlabError:
            continue
