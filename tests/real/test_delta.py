"""Deltas of Microsoft: every file of real packages, PE deltas, manifests of the component store, malformed ones."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.cab import open_cabinet
from buildlab.readers.cix import INTRA_PACKAGE_INDEX, read_cix
from buildlab.readers.delta import DeltaMismatchError, apply_delta
from buildlab.readers.delta_header import is_delta, read_delta, read_delta_header
from buildlab.readers.delta_manifest import decode_manifest
from buildlab.readers.delta_package import IntraPackageDelta, MadeFile, members_of_cabinet
from buildlab.readers.manifest import read_manifest
from tests.real.conftest import RealFile

PACKAGES = {
    "msu/Windows6.0-KB2999226-x64.cab": (222, {"stored": 50, "RAW": 6, "I386": 47, "AMD64": 33, "copy": 86}),
    "msu/Windows6.0-KB971286-x64.msu": (128, {"stored": 104, "RAW": 9, "I386": 4, "AMD64": 5, "copy": 6}),
    "msu/Windows6.0-KB971286-x86.msu": (116, {"stored": 98, "RAW": 8, "I386": 4, "copy": 6}),
}
"""Files, and what they are made of."""
IDENTITIES = {
    "msu/Windows6.0-KB2999226-x64.cab": {"I386": 43, "AMD64": 43},
    "msu/Windows6.0-KB971286-x64.msu": {"I386": 1, "AMD64": 5},
    "msu/Windows6.0-KB971286-x86.msu": {"I386": 6},
}
"""Deltas that no index names, each of which makes a copied file out of itself."""
MANIFESTS = {
    "amd64_dual_netvg63a.inf_31bf3856ad364e35_10.0.26100.1_none_9162a10543917fc7": (52889, "bbc5cf55"),
    "amd64_microsoft-windows-font-truetype-gadugi_31bf3856ad364e35_10.0.26100.1_none_e1326a4c8dcc8ee1": (
        2305,
        "4eeda211",
    ),
    "amd64_multipoint-srcres.resources_31bf3856ad364e35_10.0.26100.1_en-us_6ab3ac0cf789ac3d": (1961, "acb6e912"),
    "wow64_microsoft-windows-o..euapcommonproxystub_31bf3856ad364e35_10.0.26100.7309_none_38de5e2364a9fd20": (
        3263571,
        "43c15237",
    ),
}
"""Size, and the beginning of the SHA-256, of each manifest."""


def members_of(source: ByteSource) -> dict[str, bytes]:
    """The members of the innermost cabinet that has an index."""
    members = {member.name: b"".join(pieces) for member, pieces in open_cabinet(source).walk()}
    if INTRA_PACKAGE_INDEX in members:
        return members
    (inner,) = (name for name in members if name.lower().endswith(".cab") and "wsusscan" not in name.lower())
    return members_of(MemoryBytes(members[inner]))


@pytest.fixture(scope="module", params=list(PACKAGES))
def package(request: pytest.FixtureRequest, real_folder: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Name, and members."""
    yield request.param, members_of(MemoryBytes((real_folder / request.param).read_bytes()))


def make(members: dict[str, bytes]) -> list[MadeFile]:
    index = read_cix(members[INTRA_PACKAGE_INDEX])
    return list(IntraPackageDelta(index, members_of_cabinet(members.__getitem__), stored_order=list(members)))


def kind_of(made: MadeFile, members: dict[str, bytes]) -> str:
    source = made.file.source
    if source is None:
        return "copy"
    if source.is_stored:
        return "stored"
    header = read_delta_header(MemoryBytes(members[source.name or ""]))
    assert header.target_size == made.file.length
    return header.file_type_name or ""


def test_every_file_of_a_package_has_its_hash(package: tuple[str, dict[str, bytes]]) -> None:
    name, members = package
    made = make(members)
    assert {one.outcome for one in made} == {"exact"}
    for one in made:
        assert one.file.hash is not None and one.data is not None
        assert hashlib.new(one.file.hash.algorithm, one.data).digest() == one.file.hash.digest
        assert one.file.is_relative
    assert (len(made), Counter(kind_of(one, members) for one in made)) == PACKAGES[name]


def test_deltas_that_make_a_file_of_itself(package: tuple[str, dict[str, bytes]]) -> None:
    name, members = package
    by_md5 = {hashlib.md5(one.data).digest(): one.data for one in make(members) if one.data is not None}
    used = {file.source.name for file in read_cix(members[INTRA_PACKAGE_INDEX]).files if file.source is not None}
    found: Counter[str | None] = Counter()
    for member in members.keys() - used:
        if member.isdigit() and is_delta(members[member]):
            header = read_delta(members[member]).header
            whole = by_md5[header.target_hash]
            assert apply_delta(members[member], whole) == whole
            found[header.file_type_name] += 1
    assert found == IDENTITIES[name]


def test_a_delta_with_another_base_is_refused(package: tuple[str, dict[str, bytes]]) -> None:
    _, members = package
    made = {one.file.id: one for one in make(members)}
    tried = 0
    for one in made.values():
        if one.file.source is not None and not one.file.source.is_stored and one.file.basis is not None:
            base = made[one.file.basis].data
            assert base is not None
            changed = bytes(byte ^ 0x55 for byte in base[-2000:])
            with pytest.raises(BuildlabError):
                apply_delta(members[one.file.source.name or ""], base[:-2000] + changed)
            tried += 1
    assert tried


def test_a_pe_delta(real_file: RealFile) -> None:
    delta = real_file("pa30/cmd_pe_genuine.pa30")
    header = read_delta_header(MemoryBytes(delta))
    assert (header.file_type_name, header.flags, header.target_size) == ("AMD64", 0xE63E, 339968)
    assert (header.hash_algorithm, header.target_hash) == (0, b"")
    assert apply_delta(delta, real_file("pa30/cmd.exe")) == real_file("pa30/cmd_patched.exe")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_malformed_deltas(number: int, real_file: RealFile) -> None:
    delta = real_file(f"pa30/fuzz_crash_{number}.pa30")
    for base in (b"", real_file("pa30/cmd.exe")):
        with pytest.raises(BuildlabError):
            apply_delta(delta, base)


def test_every_cut_of_a_real_delta(real_file: RealFile) -> None:
    delta, base = real_file("pa30/cmd_pe_genuine.pa30"), real_file("pa30/cmd.exe")
    for length in range(len(delta)):
        with pytest.raises(BuildlabError):
            apply_delta(delta[:length], base)


@pytest.mark.parametrize("name", list(MANIFESTS))
def test_manifests_of_the_component_store(name: str, real_file: RealFile) -> None:
    base = real_file("dcm/base_manifest.bin")
    data = real_file(f"dcm/{name}.manifest")
    found = decode_manifest(data, base, file_name=f"{name}.manifest")
    size, digest = MANIFESTS[name]
    assert (found.kind, len(found.text), found.is_hashed) == ("DCM", size, False)
    assert hashlib.sha256(found.text).hexdigest().startswith(digest)
    assert read_manifest(found.text).identity.architecture == name.partition("_")[0]


def test_a_manifest_byte_by_byte(real_file: RealFile) -> None:
    (name,) = (name for name in MANIFESTS if name.startswith("wow64"))
    found = decode_manifest(real_file(f"dcm/{name}.manifest"), real_file("dcm/base_manifest.bin"))
    assert found.text == real_file("dcm/wow64_golden.xml")


@pytest.mark.parametrize("name", list(MANIFESTS))
def test_manifests_with_a_wrong_base(name: str, real_file: RealFile) -> None:
    base = real_file("dcm/base_manifest.bin")
    for wrong in (base[:-1], base[1:], base[4000:] + base[:4000], base.swapcase()):
        with pytest.raises(BuildlabError):
            decode_manifest(real_file(f"dcm/{name}.manifest"), wrong, file_name=f"{name}.manifest")
    with pytest.raises(DeltaMismatchError):
        decode_manifest(real_file(f"dcm/{name}.manifest"), bytes(len(base)), file_name=f"{name}.manifest")
