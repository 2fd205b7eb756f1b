"""Metadata for update services: every way it is wrapped, and what hostile files may not do."""

import hashlib
import random
import time

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.wsus_cabinet import WsusMetadata, read_wsus_cabinet, read_wsus_listing
from buildlab.readers.wsus_metadata import read_wsus_core, read_wsus_extended, read_wsus_package
from tests.kit.cab import cabinet
from tests.kit.knowledge_documents import NAMESPACE, PAYLOAD, UPDATES, guid, package_cab, package_xml, wsusscn2_cab

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(12))
    + b"]>"
)
ROOT = f'<OfflineSyncPackage xmlns="{NAMESPACE}">'.encode()


def facts(metadata: WsusMetadata) -> dict[str, object]:
    return {
        one.extended.kb or "": (one.core.supersedes, one.update.superseded_by, one.title, one.extended.files[0].sha1)
        for one in metadata.revisions
        if one.extended is not None and one.core is not None
    }


@pytest.mark.parametrize(
    "content",
    [
        package_cab(),
        wsusscn2_cab(),
        cabinet({"package.cab": package_cab()}).bytes(),
        cabinet({"WSUSSCAN.cab": cabinet({"package.cab": package_cab()}).bytes(), "a.xml": b"<a/>"}).bytes(),
    ],
    ids=["package.cab", "wsusscn2.cab", "WSUSSCAN.cab", "MSU"],
)
def test_one_content_in_every_wrapping(content: bytes) -> None:
    metadata = read_wsus_cabinet(MemoryBytes(content))
    sha1 = hashlib.sha1(PAYLOAD).hexdigest()
    assert metadata.problems == ()
    assert facts(metadata) == {
        "KB4000010": ((), (11,), "Title 10", sha1),
        "KB4000011": ((guid(10),), (), "Title 11", sha1),
    }
    assert metadata.names == {guid(1): "Title 1"}
    assert metadata.package.locations == {sha1: "http://x/a.cab"}
    assert metadata.revisions[0].update.prerequisites == ((guid(1),), (guid(2), guid(3)))


def test_a_listing_alone_names_no_kb() -> None:
    metadata = read_wsus_listing(MemoryBytes(package_xml(UPDATES)))
    assert [one.update.update_id for one in metadata.revisions] == [guid(10), guid(11)]
    assert {one.extended for one in metadata.revisions} == {None}


def test_a_bad_fragment_costs_itself() -> None:
    members = {"package.xml": package_xml(UPDATES), "core/10": b"<a>", "extended/11": b"\xff\xfe<\0", "core/../x": b""}
    metadata = read_wsus_cabinet(MemoryBytes(cabinet(members).bytes()))
    assert [problem.partition(":")[0] for problem in metadata.problems] == ["core/10", "extended/11"]
    assert len(metadata.revisions) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a/>",
        BOMB + ROOT.replace(b">", b' PackageId="&a11;">') + b"</OfflineSyncPackage>",
        BOMB + ROOT + b"&a11;</OfflineSyncPackage>",
        b'<!DOCTYPE b SYSTEM "file:///etc/passwd">' + ROOT + b"</OfflineSyncPackage>",
        ROOT + b"<u>" * 100_000,
        ROOT + b'<Updates><Update RevisionId="x" /></Updates></OfflineSyncPackage>',
        ROOT + b'<Updates><Update RevisionId="1" UpdateId="../.." /></Updates></OfflineSyncPackage>',
        ROOT + b"<Updates>",
        package_xml(UPDATES).replace(b"Software", b"\xff\xfe"),
    ],
)
def test_hostile_listings(content: bytes) -> None:
    started = time.process_time()
    with pytest.raises(FormatError):
        read_wsus_package([content])
    assert time.process_time() - started < 2


def test_bounds() -> None:
    with pytest.raises(LimitExceededError):
        read_wsus_package([package_xml(UPDATES)], Limits(knowledge_rows=2))
    with pytest.raises(LimitExceededError):
        read_wsus_package([package_xml(UPDATES)], Limits(wsus_xml_bytes=100))
    with pytest.raises(LimitExceededError):
        read_wsus_package([ROOT + b"<Updates><Update>", *[b"<a/>" * 10_000] * 50])
    nested = package_cab()
    for _ in range(9):
        nested = cabinet({"package.cab": nested}).bytes()
    with pytest.raises(LimitExceededError):
        read_wsus_cabinet(MemoryBytes(nested))


def test_what_is_read_is_freed() -> None:
    """Elements that say nothing pass in any number, for they are not held; the same within one update would be."""
    many = b"<Other><a/></Other>" * 70_000
    assert read_wsus_package([ROOT, many[:500_000], many[500_000:], b"</OfflineSyncPackage>"]).updates == ()


@pytest.mark.parametrize("read", [read_wsus_core, read_wsus_extended])
@pytest.mark.parametrize("content", [b"", b"<a/>", b"</fragment><fragment>", b"<UpdateIdentity/><Properties/>", BOMB])
def test_hostile_fragments(read: object, content: bytes) -> None:
    assert callable(read)
    with pytest.raises(FormatError):
        read(content)


@pytest.mark.parametrize("content", [package_cab(), wsusscn2_cab()], ids=["package.cab", "wsusscn2.cab"])
def test_cut_and_damaged(content: bytes) -> None:
    numbers = random.Random(5)
    damaged = [content[: numbers.randrange(len(content))] for _ in range(60)]
    for _ in range(200):
        one = bytearray(content)
        one[numbers.randrange(len(one))] ^= 1 << numbers.randrange(8)
        damaged.append(bytes(one))
    refused = 0
    for one_more in damaged:
        try:
            read_wsus_cabinet(MemoryBytes(one_more))
        except BuildlabError:
            refused += 1
    assert refused >= 60
