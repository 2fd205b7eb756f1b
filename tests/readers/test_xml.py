"""XML from untrusted files."""

import pytest

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.xml import parse_xml

LAUGHS = b"<!DOCTYPE a [<!ENTITY l0 'ha'>" + b"".join(
    b"<!ENTITY l%d '%s'>" % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 12)
) + b"]><a>&l11;</a>"  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a b='&b;'/>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        b"<!DOCTYPE a PUBLIC 'x' 'http://127.0.0.1:9/x.dtd'><a/>",
        b"<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]><a/>",
        b"<?xml version='1.0' standalone='yes'?><!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>",
        LAUGHS,
    ],
)
def test_document_types_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        parse_xml(data)
    assert caught.value.format == "xml"
    assert b"root:" not in str(caught.value).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        bytes(1000),
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a b=c/>",
        b"<a b='1' b='2'/>",
        b"<a>&nbsp;</a>",
        b"<x:a/>",
        b"not xml",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"<a>\xe9</a>",
        b"<a>\x00</a>",
        b"MZ\x90\x00",
    ],
)
def test_what_is_not_well_formed(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_xml(data)


def test_a_document_may_be_256_levels_deep_and_no_more() -> None:
    assert parse_xml(b"<a>" * 200 + b"</a>" * 200).tag == "a"
    with pytest.raises(FormatError):
        parse_xml(b"<a>" * 300 + b"</a>" * 300)


def test_a_document_that_only_opens_elements_fails_without_recursion() -> None:
    with pytest.raises(FormatError):
        parse_xml(b"<a>" * 1_000_000)


def test_the_size_is_bounded() -> None:
    with pytest.raises(FormatError, match="1001 bytes"):
        parse_xml(b"<a>" + b" " * 994 + b"</a>", Limits(xml_bytes=1000))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_of_servicing_files(encoding: str) -> None:
    name = "utf-16" if encoding == "utf-16" else "utf-8"
    data = f'<?xml version="1.0" encoding="{name}"?><a b="\N{COPYRIGHT SIGN}"/>'.encode(encoding)
    assert parse_xml(data).get("b") == "\N{COPYRIGHT SIGN}"


def test_comments_are_left_out_and_instructions_are_no_elements() -> None:
    root = parse_xml(b"<a><!-- c --><?p q?><b/></a>")
    assert [child.tag for child in root if isinstance(child.tag, str)] == ["b"]
