"""Security catalogues: asn1crypto reads the same lists by its own grammar, OpenSSL and osslsigncode verify them."""

import hashlib
import random
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from asn1crypto import cms, core

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.authenticode_pe import pe_digest, read_pe_signature_layout
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.catalog import CatalogAttribute, check_catalog, read_catalog
from buildlab.readers.signature_roots import TrustedRoots
from tests.conftest import FindTool
from tests.kit.catalog import FLAGS, TRUST_LIST, Member, member_of, write_catalog, write_trust_list
from tests.kit.pe import write_pe
from tests.kit.signing import (
    SOME_TIME,
    Stamp,
    content_of,
    octets,
    oid,
    our_root,
    our_signer,
    sequence,
    sign_message,
    tlv,
    utc_time,
)

AS_OF = datetime(2020, 1, 1, tzinfo=UTC)
ROOTS = TrustedRoots([our_root().der])
FILES = [f"file {number}".encode() for number in range(30)]


def some_catalog(count: int = 30, **more: object) -> bytes:
    members = [member_of(content, File=f"f{number}.mum") for number, content in enumerate(FILES[:count])]
    return write_catalog(members, {"OSAttr": "2:6.0", "PackageName": "Package_for_KB1"}, **more)  # type: ignore[arg-type]


class _Attribute(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("type", core.ObjectIdentifier), ("values", core.SetOf, {"spec": core.Any})]


class _Attributes(core.SetOf):  # type: ignore[misc]
    _child_spec = _Attribute


class _Entry(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("subject", core.OctetString), ("attributes", _Attributes)]


class _Entries(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _Entry


class _Usages(core.SequenceOf):  # type: ignore[misc]
    _child_spec = core.ObjectIdentifier


class _List(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [
        ("usage", _Usages),
        ("identifier", core.OctetString),
        ("this_update", core.UTCTime),
        ("algorithm", core.Sequence),
        ("entries", _Entries),
        ("extensions", core.Any, {"explicit": 0, "optional": True}),
    ]


def oracle(data: bytes) -> list[tuple[bytes, bytes]]:
    """Subject and digest of every member, as asn1crypto reads them."""
    signed = cms.ContentInfo.load(data)["content"]
    listed = _List.load(content_of(signed["encap_content_info"]["content"].dump()))
    found = []
    for entry in listed["entries"]:
        for one in entry["attributes"]:
            if one["type"].dotted == "1.3.6.1.4.1.311.2.1.4":
                stated = core.Sequence.load(one["values"][0].dump())
                found.append((entry["subject"].native, core.Sequence.load(stated[1].dump())[1].native))
    return found


def test_members_and_attributes() -> None:
    catalog = read_catalog(some_catalog())
    assert (catalog.version, catalog.identifier, catalog.this_update) == (1, bytes(range(16)), SOME_TIME)
    assert (catalog.attribute("osattr"), catalog.attribute("PackageName")) == ("2:6.0", "Package_for_KB1")
    assert catalog.attribute("HWID1") is None
    assert catalog.algorithms == {"sha1"}
    for content, member in zip(FILES, catalog.members, strict=True):
        assert (member.kind, member.digest) == ("file", hashlib.sha1(content).digest())
        assert member.tag == hashlib.sha1(content).hexdigest().upper()
    assert catalog.members[3].attributes == (CatalogAttribute("File", "f3.mum", FLAGS),)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_members_are_those_that_asn1crypto_reads(count: int) -> None:
    data = some_catalog(count)
    subjects = [(f"{member.tag}\0".encode("utf-16-le"), member.digest) for member in read_catalog(data).members]
    assert subjects == oracle(data)
    assert len(subjects) == count


def test_a_catalogue_of_version_2() -> None:
    catalog = read_catalog(write_catalog([member_of(content, "sha256") for content in FILES], version=2))
    assert (catalog.version, catalog.algorithms) == (2, {"sha256"})
    assert [member.tag for member in catalog.members] == [hashlib.sha256(content).hexdigest() for content in FILES]


def test_a_program_is_found_by_its_authenticode_digest() -> None:
    program = MemoryBytes(write_pe(padding=999))
    digest = pe_digest(program, read_pe_signature_layout(program), "sha256")
    catalog = read_catalog(write_catalog([Member(digest=digest, algorithm="sha256", is_pe=True)]))
    assert [member.kind for member in catalog.by_digest()[digest]] == ["pe"]


def test_a_file_that_is_listed_twice() -> None:
    catalog = read_catalog(write_catalog([member_of(b"a", File="one"), member_of(b"b"), member_of(b"a", File="two")]))
    twice = catalog.by_digest()[hashlib.sha1(b"a").digest()]
    assert [member.attributes[0].value for member in twice] == ["one", "two"]


def test_both_digests_in_one_catalogue() -> None:
    catalog = read_catalog(write_catalog([member_of(b"a"), member_of(b"a", "sha256")]))
    assert catalog.algorithms == {"sha1", "sha256"}


def test_a_catalogue_without_members_or_attributes() -> None:
    catalog = read_catalog(write_catalog([]))
    assert (catalog.members, catalog.attributes, catalog.algorithms) == ((), (), frozenset())


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_its_signature(kind: str, digest: str) -> None:
    found = check_catalog(some_catalog(identity=our_signer(kind), digest=digest), roots=ROOTS, as_of=AS_OF)
    assert (found.outcome, found.digest) == ("valid", digest)


def test_a_changed_member() -> None:
    data = some_catalog()
    changed = data.replace(hashlib.sha1(FILES[4]).digest(), hashlib.sha1(b"other").digest())
    assert read_catalog(changed).members[4].digest == hashlib.sha1(b"other").digest()
    found = check_catalog(changed, roots=ROOTS, as_of=AS_OF)
    assert (found.outcome, found.reason) == ("invalid", "signature-mismatch")


def test_a_catalogue_that_nobody_signed() -> None:
    data = some_catalog(signers=0)
    assert len(read_catalog(data).members) == 30
    assert check_catalog(data, roots=ROOTS, as_of=AS_OF).outcome == "unsigned"


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("listed", [True, False])
def test_osslsigncode_finds_the_program_in_it(listed: bool, changed: bool, tmp_path: Path, find_tool: FindTool) -> None:
    program = MemoryBytes(write_pe(padding=999))
    digest = pe_digest(program, read_pe_signature_layout(program), "sha256")
    data = write_catalog(
        [member_of(b"x", "sha256"), Member(digest=digest if listed else bytes(32), algorithm="sha256", is_pe=True)],
        identity=our_signer("rsa"),
        stamp=Stamp(),
    )
    if changed:
        data = data.replace(hashlib.sha256(b"x").digest(), hashlib.sha256(b"y").digest())
    (tmp_path / "root.pem").write_bytes(our_root().pem)
    (tmp_path / "a.cat").write_bytes(data)
    (tmp_path / "a.exe").write_bytes(program.read_at(0, program.size))
    result = subprocess.run(
        [find_tool("osslsigncode", "osslsigncode"), "verify", "-CAfile", "root.pem", "-TSA-CAfile", "root.pem",
         "-catalog", "a.cat", "-in", "a.exe"],
        cwd=tmp_path, capture_output=True, check=False, text=True, errors="replace",
    )  # fmt: skip
    holds = check_catalog(data, roots=ROOTS, as_of=AS_OF).outcome == "valid"
    assert holds == (not changed)
    assert (digest in read_catalog(data).by_digest()) == listed
    assert (result.returncode == 0) == (holds and listed), result.stdout


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30\x00",
        b"MZ" + bytes(100),
        octets(b"x"),
        sign_message("1.2.840.113549.1.7.1", octets(b"x")),
        sign_message(TRUST_LIST, octets(b"x")),
        sign_message(TRUST_LIST, sequence()),
        sign_message(
            TRUST_LIST, sequence(sequence(oid("1.2.3")), octets(b""), utc_time(SOME_TIME), sequence(oid("1.2.3")))
        ),
    ],
)
def test_what_is_no_catalogue(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_catalog(data)
    found = check_catalog(data, roots=ROOTS, as_of=AS_OF)
    assert (found.outcome, found.reason) == ("not-checked", "unreadable")


def test_other_kinds_of_message_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedContentError, match=r"1\.2\.840\.113549\.1\.7\.3"):
        read_catalog(sequence(oid("1.2.840.113549.1.7.3"), tlv(0xA0, sequence())))


def test_members_of_another_kind_are_refused_by_name() -> None:
    listed = write_trust_list([]).replace(oid("1.3.6.1.4.1.311.12.1.2"), oid("1.3.6.1.4.1.311.12.1.9"))
    with pytest.raises(UnsupportedContentError, match=r"12\.1\.9"):
        read_catalog(sign_message(TRUST_LIST, listed))


def test_the_number_of_members_is_bounded() -> None:
    data = some_catalog()
    assert len(read_catalog(data, Limits(trust_list_entries=30)).members) == 30
    with pytest.raises(LimitExceededError):
        read_catalog(data, Limits(trust_list_entries=29))


def test_attributes_are_bounded() -> None:
    data = write_catalog([member_of(b"a", **{f"Name{number}": "x" for number in range(200)})])
    with pytest.raises(LimitExceededError):
        read_catalog(data)


def test_cut_at_every_place() -> None:
    data = some_catalog(4)
    for length in range(len(data)):
        with pytest.raises(FormatError):
            read_catalog(data[:length])
        assert check_catalog(data[:length], roots=ROOTS, as_of=AS_OF).reason == "unreadable"


def test_flipped_bytes_give_our_error_or_no_valid_signature() -> None:
    """Thousands of them; where the signature still holds, what it is over is the same."""
    whole = some_catalog(4, stamp=Stamp(kind="pkcs9"))
    sound = read_catalog(whole)
    numbers = random.Random(11)
    for count in range(3000):
        data = bytearray(whole)
        for _ in range(numbers.choice((1, 1, 2, 8))):
            data[numbers.randrange(len(data))] = numbers.choice((0, 1, 0x30, 0x7F, 0x80, 0x84, 0xFF))
        try:
            catalog = read_catalog(bytes(data))
        except (FormatError, UnsupportedContentError):
            catalog = None
        if count % 5 == 0 and check_catalog(bytes(data), roots=ROOTS, as_of=AS_OF).outcome == "valid":
            assert catalog == sound


@pytest.mark.parametrize("tag", [0x30, 0x31, 0xA0])
def test_deep_nesting(tag: int) -> None:
    data = b""
    for _ in range(3000):
        data = tlv(tag, data)
    for content in (data, sign_message(TRUST_LIST, data), sign_message(TRUST_LIST, tlv(0x30, data))):
        assert check_catalog(content, roots=ROOTS, as_of=AS_OF).outcome == "not-checked"


def test_thousands_of_members() -> None:
    members = [Member(digest=number.to_bytes(32, "big"), algorithm="sha256") for number in range(5000)]
    assert len(read_catalog(write_catalog(members, version=2)).by_digest()) == 5000
