"""DER elements: OpenSSL's asn1parse is the oracle for structure, asn1crypto for values."""

import random
import re
import subprocess
from datetime import UTC, datetime

import pytest
from asn1crypto import core

from buildlab.errors import BuildlabError, FormatError, UnsupportedContentError
from buildlab.readers.der import Element, Fields, read_element
from tests.conftest import FindTool
from tests.kit.catalog import member_of, write_catalog
from tests.kit.signing import Stamp, generalized_time, integer, octets, oid, sequence, tlv, utc_time


def walk(element: Element, depth: int = 0) -> list[tuple[int, int, int, int]]:
    """Every element below, itself included: offset, depth, header size, content size."""
    found = [(element.start, depth, element.at - element.start, element.end - element.at)]
    if element.tag & 0x20:
        for child in element.children():
            found += walk(child, depth + 1)
    return found


@pytest.mark.parametrize("stamp", [None, Stamp(), Stamp(kind="pkcs9")])
def test_the_structure_is_that_which_openssl_sees(stamp: Stamp | None, find_tool: FindTool) -> None:
    data = write_catalog([member_of(bytes([number])) for number in range(40)], {"OSAttr": "2:6.0"}, stamp=stamp)
    openssl = find_tool("openssl", "openssl")
    output = subprocess.run(
        [openssl, "asn1parse", "-inform", "DER"], input=data, capture_output=True, check=True
    ).stdout
    lines = re.findall(rb"^ *(\d+):d=(\d+) +hl=(\d+) +l= *(\d+)", output, re.M)
    assert walk(read_element(data)) == [tuple(int(part) for part in line) for line in lines]


@pytest.mark.parametrize("dotted", ["1.2.840.113549.1.7.2", "2.5.29.37.0", "0.9.2342.19200300.100.1.25", "2.999.1"])
def test_object_identifiers(dotted: str) -> None:
    data = core.ObjectIdentifier(dotted).dump()
    assert read_element(data).oid() == dotted


@pytest.mark.parametrize("number", [0, 1, -1, 127, 128, 255, 256, -128, -129, 2**62])
def test_integers(number: int) -> None:
    assert read_element(core.Integer(number).dump()).integer() == number
    assert integer(number) == core.Integer(number).dump()


@pytest.mark.parametrize("year", [1950, 1999, 2000, 2019, 2049])
def test_times(year: int) -> None:
    moment = datetime(year, 2, 28, 23, 59, 58, tzinfo=UTC)
    assert read_element(utc_time(moment)).time() == moment
    assert read_element(generalized_time(moment)).time() == moment
    assert read_element(core.UTCTime(moment).dump()).time() == moment


def test_a_fraction_of_a_second() -> None:
    assert read_element(tlv(0x18, b"20190409170000.125Z")).time() == datetime(2019, 4, 9, 17, 0, 0, 125000, UTC)


@pytest.mark.parametrize(
    "data",
    [
        tlv(0x17, b"190409170000+0100"),
        tlv(0x17, b"190431170000Z"),
        tlv(0x18, b"20190409Z"),
        tlv(0x17, b""),
        tlv(0x18, b"00000101000000Z"),
        tlv(0x04, b"190409170000Z"),
        tlv(0x18, b"2" * 5000),
    ],
)
def test_what_is_no_time(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_element(data).time()


@pytest.mark.parametrize(("tag", "data"), [(0x0C, "Ä".encode()), (0x1E, b"\0\xc4"), (0x13, b"\xc4"), (0x16, b"\xc4")])
def test_texts(tag: int, data: bytes) -> None:
    assert read_element(tlv(tag, data)).text() == "Ä"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x85\x01\x00\x00\x00\x00",
        b"\x30\x82\x01",
        b"\x1f\x81\x01\x00",
        b"\x3f\x01\x00",
    ],
)
def test_malformed_headers(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_element(data)
    assert caught.value.offset == 0


def test_an_indefinite_length_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedContentError, match="indefinite"):
        read_element(b"\x30\x80\x02\x01\x00\x00\x00")


def test_a_child_may_not_reach_beyond_its_parent() -> None:
    data = tlv(0x30, b"\x04\x05ab") + b"cdefgh"
    with pytest.raises(FormatError):
        list(read_element(data).children())


def test_a_primitive_element_has_no_children() -> None:
    with pytest.raises(FormatError, match="primitive"):
        list(read_element(octets(b"")).children())


@pytest.mark.parametrize("data", [sequence(), sequence(octets(b""), octets(b""))])
def test_an_only_child_is_alone(data: bytes) -> None:
    with pytest.raises(FormatError, match="exactly one"):
        read_element(data).only_child()


def test_fields_come_in_their_order() -> None:
    fields = Fields(read_element(sequence(oid("1.2"), octets(b"x"))))
    assert fields.take_if(0x02) is None
    assert fields.take().oid() == "1.2"
    with pytest.raises(FormatError, match="0x04"):
        fields.take(0x02)
    with pytest.raises(FormatError, match="missing"):
        fields.take()


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x2a\x86", b"\x01" * 100])
def test_what_is_no_object_identifier(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_element(tlv(0x06, content)).oid()


@pytest.mark.parametrize("size", [0, 9, 100_000])
def test_integers_have_a_largest_size(size: int) -> None:
    with pytest.raises(FormatError):
        read_element(tlv(0x02, b"\x01" * size)).integer()


def test_arbitrary_bytes_are_elements_or_our_error() -> None:
    numbers = random.Random(5)
    for _ in range(5000):
        data = numbers.randbytes(numbers.randrange(40))
        try:
            element = read_element(data)
            assert element.start == 0 < element.at <= element.end <= len(data)
            walk(element)
        except BuildlabError as error:
            assert isinstance(error, FormatError | UnsupportedContentError)
