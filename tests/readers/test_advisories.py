"""Security advisories in both formats."""

import json
import random
from collections.abc import Callable

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.advisory import Advisory, Remediation, kb_of_address, kb_of_text, kbs_of_list
from buildlab.readers.csaf import read_csaf
from buildlab.readers.cvrf import read_cvrf
from tests.kit import knowledge_documents

CVRF, CSAF = knowledge_documents.cvrf(), knowledge_documents.csaf()
Read = Callable[[bytes, Limits], Advisory]


def test_cvrf() -> None:
    assert read_cvrf(CVRF) == Advisory(
        identifier="2019-Apr",
        title="April 2019 Security Updates",
        publisher="The publisher",
        released="2019-04-09T07:00:00",
        remediations=(
            Remediation(
                kb="KB4493471",
                vulnerability="CVE-2019-0803",
                products=("Windows Server 2008 for 32-bit Systems SP2", "7"),
                supersedes=("KB4489880",),
                fixed_build="6.0.6003.20489",
                subtype="Monthly Rollup",
                restart="Yes",
                url="https://x/",
            ),
        ),
        passed_over=1,
    )


def test_csaf() -> None:
    assert read_csaf(CSAF) == Advisory(
        identifier="msrc_CVE-2023-36563",
        title="A title",
        publisher="The publisher",
        released="2023-10-10T07:00:00.000Z",
        remediations=(
            Remediation(
                kb="KB5031416",
                vulnerability="CVE-2023-36563",
                products=("Windows Server 2008 6.0.6003.22317",),
                fixed_build="6.0.6003.22317",
                subtype="Monthly Rollup",
                restart="system",
                released="2023-10-10T07:00:00.000Z",
                url="https://support.microsoft.com/help/5031416",
            ),
        ),
        passed_over=1,
    )


def test_numbers_of_articles() -> None:
    assert [kb_of_text(text) for text in (" kb4493471 ", "4493471", "Click to Run", "12", "4493471x")] == [
        "KB4493471",
        "KB4493471",
        None,
        None,
        None,
    ]
    assert kb_of_address("https://catalog.update.microsoft.com/v7/site/Search.aspx?q=KB4493471") == "KB4493471"
    assert kb_of_address("https://msrc.microsoft.com/CVE-2019-0803") is None
    assert kbs_of_list("4489880; KB4489887,none 4489880") == ("KB4489880", "KB4489887")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 200_000,
        b'{"document":' + b'{"a":' * 200_000,
        CSAF.replace(b'"branches": [', b'"branches": ' + b'[{"branches": ' * 50_000, 1),
        CSAF.replace(b'"A title"', b"1"),
        CSAF.replace(b"A title", b"\xff"),
        CSAF.decode().encode("utf-16"),
        CSAF[:-1],
    ],
)
def test_no_csaf(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_csaf(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a/>",
        CVRF.replace(b"2019-Apr", b""),
        CVRF.replace(b"<cvrf:cvrfdoc", b'<!DOCTYPE x [<!ENTITY a "b">]><cvrf:cvrfdoc', 1),
        CVRF.replace(b"April", b"\xff\xfe"),
        CVRF.replace(b"<prod:ProductTree>", b"<a>" * 10_000),
    ],
)
def test_no_cvrf(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_cvrf(content)


def test_utf16_is_read_as_it_says() -> None:
    assert read_cvrf(CVRF.decode().replace("utf-8", "utf-16").encode("utf-16")) == read_cvrf(CVRF)


def test_bounds() -> None:
    document = json.loads(CSAF)
    document["vulnerabilities"] *= 4
    with pytest.raises(LimitExceededError):
        read_csaf(json.dumps(document).encode(), Limits(knowledge_rows=3))
    with pytest.raises(LimitExceededError):
        read_csaf(CSAF, Limits(knowledge_bytes=100))


@pytest.mark.parametrize(("read", "content"), [(read_csaf, CSAF), (read_cvrf, CVRF)], ids=["csaf", "cvrf"])
def test_cut_and_damaged(read: Read, content: bytes) -> None:
    numbers = random.Random(7)
    for length in range(0, len(content) - 1, 13):
        with pytest.raises(FormatError):
            read(content[:length], Limits())
    for _ in range(500):
        damaged = bytearray(content)
        damaged[numbers.randrange(len(damaged))] = numbers.randrange(256)
        try:
            found = read(bytes(damaged), Limits())
        except BuildlabError:
            continue
        assert len(found.remediations) + found.passed_over <= 2  # a name may have become another
