"""Signatures of PE files and cabinets: osslsigncode verifies and signs, our own writer makes what it cannot."""

import hashlib
import random
import re
import struct
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.errors import FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.authenticode_cab import CabinetSignature, check_cabinet, find_cabinet_signature
from buildlab.readers.authenticode_pe import check_pe, pe_digest, pe_signatures, read_pe_signature_layout
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.signature import UNSIGNED, SignatureCheck
from buildlab.readers.signature_roots import TrustedRoots
from tests.conftest import FindTool
from tests.kit.pe import AMD64, ARM64, I386, IA64, write_pe
from tests.kit.signing import (
    CABINET,
    INDIRECT_DATA,
    Stamp,
    indirect_data,
    octets,
    our_root,
    our_signer,
    sign_cabinet,
    sign_message,
    sign_pe,
    stored_cabinet,
)

AS_OF = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 1, tzinfo=UTC)
ROOTS = TrustedRoots([our_root().der])
CONTENT = bytes(range(256)) * 20


def pe(data: bytes, as_of: datetime = AS_OF, **more: object) -> SignatureCheck:
    return check_pe(MemoryBytes(data), roots=ROOTS, as_of=as_of, **more)  # type: ignore[arg-type]


def cab(data: bytes, as_of: datetime = AS_OF, **more: object) -> SignatureCheck:
    return check_cabinet(MemoryBytes(data), roots=ROOTS, as_of=as_of, **more)  # type: ignore[arg-type]


def signed_pe(**message: object) -> bytes:
    return sign_pe(write_pe(padding=3000), **message)  # type: ignore[arg-type]


def signed_cab(**message: object) -> bytes:
    return sign_cabinet(stored_cabinet("update.mum", CONTENT), **message)  # type: ignore[arg-type]


KINDS = [(signed_pe, pe), (signed_cab, cab)]


class OsslSignCode:
    """The tool, with our certificates."""

    def __init__(self, path: str, folder: Path) -> None:
        self._path, self._folder = path, folder
        signer = our_signer("rsa")
        assert signer.issuer is not None
        (folder / "root.pem").write_bytes(our_root().pem)
        (folder / "chain.pem").write_bytes(signer.pem + signer.issuer.pem)
        (folder / "key.pem").write_bytes(signer.key_pem)

    def verifies(self, data: bytes, when: datetime = AS_OF) -> tuple[bool, str, str]:
        """Whether it says that all is well, and the digests stated and computed."""
        (self._folder / "verified").write_bytes(data)
        trust = ["-CAfile", "root.pem", "-TSA-CAfile", "root.pem", "-time", str(int(when.timestamp()))]
        result = subprocess.run(
            [self._path, "verify", *trust, "-in", "verified"],
            cwd=self._folder,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=60,
        )
        digests = [
            match.group(1).lower()
            if (match := re.search(f"{word} message digest +: ([0-9A-F]+)", result.stdout))
            else ""
            for word in ("Current", "Calculated")
        ]
        return result.returncode == 0, digests[0], digests[1]

    def signs(self, data: bytes, digest: str, *more: str) -> bytes:
        """`data` with a signature of its making."""
        (self._folder / "plain").write_bytes(data)
        (self._folder / "signed").unlink(missing_ok=True)
        subprocess.run(
            [
                self._path,
                "sign",
                "-h",
                digest,
                *more,
                "-certs",
                "chain.pem",
                "-key",
                "key.pem",
                "-in",
                "plain",
                "-out",
                "signed",
            ],
            cwd=self._folder,
            capture_output=True,
            check=True,
            timeout=60,
        )
        return (self._folder / "signed").read_bytes()


@pytest.fixture
def osslsigncode(tmp_path: Path, find_tool: FindTool) -> OsslSignCode:
    return OsslSignCode(find_tool("osslsigncode", "osslsigncode"), tmp_path)


@pytest.mark.parametrize(("make", "check"), KINDS)
@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("stamp", [None, Stamp(), Stamp(kind="pkcs9")], ids=["plain", "rfc3161", "pkcs9"])
def test_what_we_sign_others_verify(
    make: Callable[..., bytes],
    check: Callable[..., SignatureCheck],
    kind: str,
    stamp: Stamp | None,
    osslsigncode: OsslSignCode,
) -> None:
    data = make(identity=our_signer(kind), stamp=stamp, description="Update für Tests")
    for when in (AS_OF, LATER):
        found = check(data, when)
        agreed, stated, computed = osslsigncode.verifies(data, when)
        assert agreed == (found.outcome == "valid") == (stamp is not None or when == AS_OF)
        assert found.subject_digest is not None
        assert found.subject_digest.stated.hex() == stated
        assert found.subject_digest.computed is not None
        assert found.subject_digest.computed.hex() == computed
    assert (found.description, found.more_about) == ("Update für Tests", "http://example.com/")


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("machine", [I386, AMD64, IA64, ARM64])
def test_pe_files_that_others_sign(machine: int, digest: str, osslsigncode: OsslSignCode) -> None:
    plain = write_pe(machine=machine, padding=2000)
    data = osslsigncode.signs(plain, digest, "-n", "A name")
    found = pe(data)
    assert (found.outcome, found.digest, found.description) == ("valid", digest, "A name")
    assert found.is_weak == (digest == "md5")
    assert found.subject_digest is not None
    source = MemoryBytes(plain)
    assert pe_digest(source, read_pe_signature_layout(source), digest) == found.subject_digest.stated


@pytest.mark.parametrize("extra", range(1, 9))
def test_a_file_is_filled_to_eight_bytes_before_it_is_digested(extra: int, osslsigncode: OsslSignCode) -> None:
    plain = write_pe() + b"\xee" * extra
    found = pe(osslsigncode.signs(plain, "sha256"))
    assert found.outcome == "valid"
    assert found.subject_digest is not None
    source = MemoryBytes(plain)
    assert pe_digest(source, read_pe_signature_layout(source), "sha256") == found.subject_digest.stated


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize(("set_id", "number"), [(0, 0), (0x1234, 0), (0, 5), (0x1234, 7)])
def test_cabinets_that_others_sign(set_id: int, number: int, digest: str, osslsigncode: OsslSignCode) -> None:
    plain = stored_cabinet("update.mum", CONTENT, set_id=set_id, number=number, with_reserve=False)
    found = cab(osslsigncode.signs(plain, digest))
    assert (found.outcome, found.digest) == ("valid", digest)


def test_a_second_signature_is_told_beside_the_first(osslsigncode: OsslSignCode) -> None:
    first = osslsigncode.signs(write_pe(), "sha1")
    found = pe(osslsigncode.signs(first, "sha256", "-nest"))
    assert (found.outcome, found.digest) == ("valid", "sha1")
    assert [(one.outcome, one.digest, one.nested) for one in found.nested] == [("valid", "sha256", ())]


def test_a_second_entry_of_the_certificate_table_counts_as_nested() -> None:
    data = signed_pe(digest="sha1")
    layout = read_pe_signature_layout(MemoryBytes(data))
    assert layout.entry is not None
    entry = data[layout.table :]
    both = data[: layout.entry + 4] + struct.pack("<I", 2 * len(entry)) + data[layout.entry + 8 :] + entry
    assert [one.outcome for one in (pe(both), *pe(both).nested)] == ["valid", "valid"]


def test_files_without_signature() -> None:
    assert pe(write_pe()) == UNSIGNED
    assert cab(stored_cabinet("a", b"b")) == UNSIGNED
    assert cab(stored_cabinet("a", b"b", with_reserve=False)) == UNSIGNED


def test_an_entry_of_another_kind_is_no_signature() -> None:
    data = bytearray(signed_pe())
    table = read_pe_signature_layout(MemoryBytes(bytes(data))).table
    struct.pack_into("<H", data, table + 6, 1)
    assert pe(bytes(data)) == UNSIGNED


def test_every_digested_byte_of_a_pe_file_counts() -> None:
    """One byte at a time: the digest leaves out the checksum, the directory entry and the table, nothing else."""
    data = signed_pe()
    layout = read_pe_signature_layout(MemoryBytes(data))
    assert layout.entry is not None
    free = {*range(layout.checksum, layout.checksum + 4), *range(layout.entry, layout.entry + 8)}
    stated = pe_digest(MemoryBytes(data), layout, "sha256")
    for offset in (*range(600), *range(600, layout.table, 131)):
        changed = data[:offset] + bytes((data[offset] ^ 0x40,)) + data[offset + 1 :]
        assert (pe_digest(MemoryBytes(changed), layout, "sha256") == stated) == (offset in free)


def test_every_digested_byte_of_a_cabinet_counts(osslsigncode: OsslSignCode) -> None:
    data = signed_cab()
    place = find_cabinet_signature(MemoryBytes(data))
    assert place is not None
    free = {4, 5, 6, 7, *range(34, 44), *range(52, 56)}
    for offset in range(4, 130):
        if offset in range(30, 32) or offset in range(36, 52):
            continue  # these say whether and where there is a signature
        changed = data[:offset] + bytes((data[offset] ^ 0x40,)) + data[offset + 1 :]
        assert (cab(changed).reason == "file-changed") == (offset not in free), offset
    assert osslsigncode.verifies(data[:100] + bytes((data[100] ^ 1,)) + data[101:])[0] is False


@pytest.mark.parametrize(("make", "check"), KINDS)
def test_a_changed_file(make: Callable[..., bytes], check: Callable[..., SignatureCheck]) -> None:
    data = bytearray(make(stamp=Stamp()))
    data[len(data) // 4] ^= 1
    found = check(bytes(data))
    assert (found.outcome, found.reason) == ("invalid", "file-changed")
    assert found.subject_digest is not None
    assert found.subject_digest.stated.hex() in found.explanation


@pytest.mark.parametrize(("make", "check"), KINDS)
def test_a_signature_moved_to_another_file(make: Callable[..., bytes], check: Callable[..., SignatureCheck]) -> None:
    """A digest that is right, in content that the signer did not sign."""
    data = make()
    stated = check(data).subject_digest
    assert stated is not None
    changed = (
        data.replace(CONTENT[:100], CONTENT[:99] + b"!") if make is signed_cab else data[:1200] + b"!" + data[1201:]
    )
    now = check(changed).subject_digest
    assert now is not None
    assert now.computed is not None
    repaired = check(changed.replace(stated.stated, now.computed))
    assert (repaired.outcome, repaired.reason) == ("invalid", "signature-mismatch")


@pytest.mark.parametrize(("make", "check"), KINDS)
def test_what_follows_the_signature(make: Callable[..., bytes], check: Callable[..., SignatureCheck]) -> None:
    found = check(make() + b"appended" * 4)
    assert (found.outcome, found.reason) == ("not-checked", "unsupported")
    assert "goes on behind" in found.explanation


@pytest.mark.parametrize("is_right", [False, True])
def test_content_of_another_type(is_right: bool) -> None:
    """Even where it would read as the right digest of the file."""
    plain = stored_cabinet("a", b"b")
    stated = check_cabinet(MemoryBytes(sign_cabinet(plain)), roots=ROOTS, as_of=AS_OF).subject_digest
    assert stated is not None
    content = indirect_data(CABINET, "sha256", stated.stated) if is_right else octets(b"x")
    blob = sign_message("1.2.840.113549.1.7.1", content)
    data = plain[:44] + struct.pack("<II", len(plain), len(blob)) + plain[52:] + blob
    assert (cab(data).outcome, cab(data).reason) == ("not-checked", "unreadable")


def test_the_number_of_nested_signatures_is_bounded() -> None:
    inner = sign_message(INDIRECT_DATA, indirect_data(CABINET, "sha1", bytes(20)))
    found = cab(signed_cab(nested=[inner] * 9))
    assert (found.outcome, found.reason) == ("not-checked", "unsupported")
    assert len(cab(signed_cab(nested=[inner] * 8)).nested) == 8


def test_signatures_nested_deeper_are_not_followed() -> None:
    blob = sign_message(INDIRECT_DATA, indirect_data(CABINET, "sha1", bytes(20)))
    for _ in range(30):
        blob = sign_message(INDIRECT_DATA, indirect_data(CABINET, "sha1", bytes(20)), nested=[blob])
    found = cab(signed_cab(nested=[blob]))
    assert found.outcome == "valid"
    assert [one.nested for one in found.nested] == [()]


@pytest.mark.parametrize(
    "data", [b"", b"MZ", b"MSCF", b"MZ" + bytes(62), b"MSCF" + bytes(20), b"MZ" + b"\xff" * 4096, b"PK" + bytes(100)]
)
def test_what_is_neither(data: bytes) -> None:
    for check in (pe, cab):
        with pytest.raises(FormatError) as caught:
            check(data)
        assert caught.value.format in ("pe", "cab")


def test_a_cabinet_whose_signature_lies_in_its_header() -> None:
    data = bytearray(signed_cab())
    struct.pack_into("<I", data, 44, 20)
    with pytest.raises(FormatError, match="overlaps"):
        cab(bytes(data))


@pytest.mark.parametrize(("offset", "size"), [(1 << 31, 16), (0, 1 << 31), (0xFFFFFFFF, 0xFFFFFFFF)])
def test_a_table_that_is_not_in_the_file(offset: int, size: int) -> None:
    data = bytearray(signed_pe())
    entry = read_pe_signature_layout(MemoryBytes(bytes(data))).entry
    assert entry is not None
    struct.pack_into("<II", data, entry, offset, size)
    with pytest.raises(TruncatedError):
        pe(bytes(data))


def test_the_size_of_a_signature_is_bounded() -> None:
    small = Limits(signature_bytes=100)
    with pytest.raises(LimitExceededError):
        cab(signed_cab(), limits=small)
    data = MemoryBytes(signed_pe())
    with pytest.raises(LimitExceededError):
        pe_signatures(data, read_pe_signature_layout(data), small)
    assert pe(signed_pe(), limits=small).outcome == "not-checked"


@pytest.mark.parametrize(("make", "check"), KINDS)
def test_cut_at_every_place(make: Callable[..., bytes], check: Callable[..., SignatureCheck]) -> None:
    data = make(stamp=Stamp())
    for length in (*range(0, 700, 9), *range(700, len(data), 37)):
        try:
            found = check(data[:length])
        except (FormatError, TruncatedError):
            continue
        assert found.outcome != "valid", length


@pytest.mark.parametrize("stamp", [Stamp(), Stamp(kind="pkcs9")], ids=["rfc3161", "pkcs9"])
@pytest.mark.parametrize(("make", "check"), KINDS)
def test_flipped_bytes(make: Callable[..., bytes], check: Callable[..., SignatureCheck], stamp: Stamp) -> None:
    """In the signature: never an error but ours, and valid only where nothing signed was changed."""
    whole = make(stamp=stamp, identity=our_signer("rsa"))
    sound = check(whole)
    start = len(whole) - len(whole) // 2
    numbers = random.Random(7)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(numbers.choice((1, 1, 3))):
            data[numbers.randrange(start, len(data))] ^= 1 << numbers.randrange(8)
        try:
            found = check(bytes(data))
        except (FormatError, TruncatedError):
            continue
        if found.outcome == "valid":
            assert found.subject_digest == sound.subject_digest
            assert [one.sha256 for one in found.chain] == [one.sha256 for one in sound.chain]


def test_the_digest_of_a_large_file_is_not_read_at_once() -> None:
    class Counting(MemoryBytes):
        largest = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.largest = max(self.largest, length)
            return super().read_at(offset, length)

    source = Counting(sign_pe(write_pe(padding=8 << 20)))
    assert check_pe(source, roots=ROOTS, as_of=AS_OF).outcome == "valid"
    assert source.largest <= 1 << 20


def test_the_place_of_a_cabinet_s_signature() -> None:
    plain = stored_cabinet("a", b"b")
    data = sign_cabinet(plain)
    assert find_cabinet_signature(MemoryBytes(data)) == CabinetSignature(offset=len(plain), size=len(data) - len(plain))
    assert find_cabinet_signature(MemoryBytes(plain)) is None


def test_the_digest_is_that_of_a_plain_hash() -> None:
    """Against the definition, written once more by hand for a PE32+ file."""
    data = write_pe()
    source = MemoryBytes(data)
    expected = hashlib.sha256(data[: 64 + 24 + 64] + data[64 + 24 + 68 : 64 + 24 + 144] + data[64 + 24 + 152 :])
    assert pe_digest(source, read_pe_signature_layout(source), "sha256") == expected.digest()


def test_an_unknown_digest_algorithm() -> None:
    data = signed_cab().replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040277"))
    assert (cab(data).outcome, cab(data).reason) == ("not-checked", "unsupported")
