"""How the files of a package are counted against what is stated of them."""

import pytest

from buildlab.errors import FormatError, SourceError, UnsupportedContentError
from buildlab.evidence.fact import Gap
from buildlab.evidence.package_content import PayloadCount, StoreManifest
from buildlab.evidence.package_members import Member
from buildlab.evidence.package_payload import PayloadTally, first_gaps
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.manifest import read_manifest
from tests.kit.manifest import OwnedFile, write_manifest
from tests.kit.mum import Identity

COMPONENT = Identity("Some-Component", "6.0.6003.1")


def stating(folder: str, *files: OwnedFile) -> StoreManifest:
    return StoreManifest(file=f"{folder}.manifest", manifest=read_manifest(write_manifest(COMPONENT, files=files)))


def lying(name: str, content: bytes) -> Member:
    return Member(name, MemoryBytes(content))


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_files_against_their_manifest(algorithm: str) -> None:
    tally = PayloadTally()
    tally.add(lying("Folder/A.dll", b"a"), "x!Folder/A.dll")
    tally.add(lying("folder/b.dll", b"other"), "x!folder/b.dll")
    tally.add(lying("update.mum", b"no payload"), "x!update.mum")
    names = {"a.dll": b"a", "B.DLL": b"b", "c.dll": b"c"}
    tally.compare(
        [stating("FOLDER", *(OwnedFile(name, data, algorithm=algorithm) for name, data in names.items()))], "x"
    )
    assert tally.count() == PayloadCount(stated=3, reconstructed=2, hash_matched=1, not_exact=0)
    assert tally.mismatches == ("folder/b.dll",)
    assert [(gap.kind, gap.path) for gap in tally.gaps] == [("missing", "x")]


def test_one_content_counts_once() -> None:
    tally = PayloadTally()
    for folder in ("one", "two"):
        tally.add(lying(f"{folder}/a.dll", b"a"), f"x!{folder}/a.dll")
    tally.compare([stating(folder, OwnedFile("a.dll", b"a")) for folder in ("one", "two")], "x")
    assert tally.count().stated == 1


def test_every_file_of_one_content_is_compared() -> None:
    tally = PayloadTally()
    tally.add(lying("one/a.dll", b"a"), "x!one/a.dll")
    tally.add(lying("two/a.dll", b"altered"), "x!two/a.dll")
    tally.compare([stating(folder, OwnedFile("a.dll", b"a")) for folder in ("one", "two", "three")], "x")
    assert tally.count() == PayloadCount(stated=1, reconstructed=1, hash_matched=0, not_exact=0)
    assert tally.mismatches == ("two/a.dll",)
    assert [gap.reason for gap in tally.gaps] == ["1 files that manifests state are not in the package"]


def test_what_an_index_makes_is_not_missing_beside_files_that_lie_in_the_package() -> None:
    tally = PayloadTally()
    tally.add(Member("one/a.dll", MemoryBytes(b"a"), "exact"), "x!one/a.dll")
    tally.add(lying("two/b.dll", b"b"), "x!two/b.dll")
    tally.compare([stating("one", OwnedFile("a.dll", b"a")), stating("two", OwnedFile("b.dll", b"b"))], "x")
    assert tally.count() == PayloadCount(stated=2, reconstructed=2, hash_matched=2, not_exact=0)
    assert tally.gaps == ()


def test_a_package_without_payload_of_its_own_states_none() -> None:
    """A cabinet of manifests alone, whose files lie elsewhere."""
    tally = PayloadTally()
    tally.compare([stating("folder", OwnedFile("a.dll", b"a"))], "x")
    assert (tally.count().stated, tally.gaps) == (0, ())


def test_indexed_files() -> None:
    tally = PayloadTally()
    tally.add(Member("a/1", MemoryBytes(b"1"), "exact"), "x!a/1")
    tally.add(Member("a/2", MemoryBytes(b"1"), "exact", is_copy=True), "x!a/2")
    tally.add(Member("a/3", None, "not-exact", error=FormatError("cix", "other hash")), "x!a/3")
    tally.add(Member("a/4", None, "failed", error=UnsupportedContentError("an IA-64 transform")), "x!a/4")
    tally.add(Member("a/5", None, "failed", error=SourceError("cut")), "x!a/5")
    assert tally.count() == PayloadCount(stated=4, reconstructed=1, hash_matched=1, not_exact=2)
    assert tally.mismatches == ("a/3",)
    assert [(gap.path, gap.kind) for gap in tally.gaps] == [
        ("x!a/3", "unparsable"),
        ("x!a/4", "unsupported"),
        ("x!a/5", "unreadable"),
    ]


def test_a_file_that_cannot_be_opened() -> None:
    tally = PayloadTally()
    tally.add(Member("a/1", None, error=SourceError("cut")), "x!a/1")
    assert [(gap.path, gap.kind) for gap in tally.gaps] == [("x!a/1", "unreadable")]


def test_the_number_of_further_gaps_is_as_bad_as_the_worst() -> None:
    gaps = [Gap(subject="payload", kind="missing", path=str(number), reason="") for number in range(30)]
    assert first_gaps(gaps[:20]) == tuple(gaps[:20])
    gaps.append(Gap(subject="payload", kind="unreadable", path="last", reason="cut"))
    *first, rest = first_gaps(gaps)
    assert first == gaps[:20]
    assert (rest.kind, rest.path, rest.reason) == ("unreadable", None, "11 more files that could not be read")


def test_a_hash_that_is_not_computed_is_no_mismatch() -> None:
    tally = PayloadTally()
    tally.add(lying("folder/a.dll", b"a"), "x!folder/a.dll")
    tally.compare([stating("folder", OwnedFile("a.dll", b"a", algorithm="sha512"))], "x")
    assert tally.count() == PayloadCount(stated=1, reconstructed=1, hash_matched=0, not_exact=0)
    assert (tally.mismatches, [gap.kind for gap in tally.gaps]) == ((), ["unsupported"])
