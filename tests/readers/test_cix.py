"""Container indexes."""

import hashlib

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.cix import ContentHash, read_cix
from tests.kit.delta import cix_file, write_cix

CONTENT = b"the content of a file"


def test_what_an_index_states() -> None:
    index = read_cix(
        write_cix(
            [
                cix_file(396, "a\\stored.dll", CONTENT, source="a.dll"),
                cix_file(7, "b\\delta.dll", CONTENT, source="12", type="PA30", stored=b"delta", basis=396),
                cix_file(8, "copy.dll", CONTENT, basis=7),
            ],
            name="kb1.cab",
        )
    )
    assert (index.name, index.type, index.version, index.length) == ("kb1.cab", "CAB", "1", 1)
    stored, delta, copy = index.files
    assert (stored.id, stored.name, stored.length, stored.attributes) == (396, "a\\stored.dll", len(CONTENT), 32)
    assert stored.time == 130859417005423072
    assert stored.hash == ContentHash("sha1", hashlib.sha1(CONTENT).digest())
    assert stored.source is not None and delta.source is not None
    assert (stored.source.name, stored.source.type, stored.source.is_stored, stored.basis) == (
        "a.dll",
        "RAW",
        True,
        None,
    )
    assert (delta.source.name, delta.source.is_stored, delta.basis) == ("12", False, 396)
    assert delta.source.hash is not None and delta.source.hash.matches(b"delta")
    assert (copy.source, copy.basis) == (None, 7)
    assert index.distinct == (stored, delta)


def test_a_place_in_a_patch_storage_file() -> None:
    index = read_cix(write_cix([cix_file(1, "a", CONTENT, type="PA30", place=(16, 100))], type="PSF"))
    source = index.files[0].source
    assert source is not None
    assert (source.name, source.offset, source.length, source.type) == (None, 16, 100, "PA30")


@pytest.mark.parametrize(("algorithm", "word"), [("md5", "MD5"), ("sha1", "SHA1"), ("sha256", "SHA256")])
def test_hashes(algorithm: str, word: str) -> None:
    digest = hashlib.new(algorithm, CONTENT).hexdigest()
    data = write_cix([cix_file(1, "a", CONTENT, digest=digest)]).replace(b"SHA1", word.encode())
    stated = read_cix(data).files[0].hash
    assert stated is not None
    assert (stated.algorithm, stated.matches(CONTENT), stated.matches(b"")) == (algorithm, True, False)


@pytest.mark.parametrize(
    ("name", "is_relative"),
    [
        ("a\\b.dll", True),
        ("b.dll", True),
        ("..b\\c..", True),
        ("..\\b.dll", False),
        ("a\\..\\b.dll", False),
        ("a/../b.dll", False),
        ("\\b.dll", False),
        ("/b.dll", False),
        ("C:\\b.dll", False),
        ("a\\b.dll:stream", False),
        ("a\\\\b", False),
    ],
)
def test_names_that_leave_their_folder(name: str, is_relative: bool) -> None:
    file = read_cix(write_cix([cix_file(1, name, CONTENT)])).files[0]
    assert (file.name, file.is_relative) == (name, is_relative)


GOOD = write_cix([cix_file(1, "a", CONTENT, source="a"), cix_file(2, "b", CONTENT, basis=1)])


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"urn:ContainerIndex", b"urn:Other", FormatError),
        (b'id="2"', b'id="1"', FormatError),
        (b'id="2"', b'id="-2"', FormatError),
        (b'id="2"', b'id="\xc2\xb2"', FormatError),
        (b'id="2"', b'id="99999999999999999999"', FormatError),
        (b'file="1"', b'other="1"', FormatError),
        (b'name="b"', b'name=""', FormatError),
        (b'length="21"', b"", FormatError),
        (b'type="RAW" name="a"', b'type="RAW" offset="1"', FormatError),
        (b'value="', b'value="0', FormatError),
        (b'value="', b'value="zz', FormatError),
        (b'alg="SHA1"', b'alg="CRC"', UnsupportedContentError),
        (b'<Basis file="1"/>', b'<Basis file="1"/><Basis file="1"/>', UnsupportedContentError),
        (b"<Container", b"<!DOCTYPE Container><Container", FormatError),
        (b"</Container>", b"", FormatError),
    ],
)
def test_what_is_refused(old: bytes, new: bytes, error: type[BuildlabError]) -> None:
    assert old in GOOD
    with pytest.raises(error):
        read_cix(GOOD.replace(old, new))


def test_the_number_of_files_is_bounded() -> None:
    assert len(read_cix(GOOD, Limits(package_files=2)).files) == 2
    with pytest.raises(LimitExceededError):
        read_cix(GOOD, Limits(package_files=1))


def test_every_cut() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(BuildlabError):
            read_cix(GOOD[:length])
