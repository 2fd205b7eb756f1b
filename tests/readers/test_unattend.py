"""The answer file beside an MSU's cabinet."""

import pytest

from buildlab.errors import FormatError
from buildlab.readers.unattend import read_unattend

NAMESPACE = "urn:schemas-microsoft-com:unattend"
ANSWER = f"""<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="{NAMESPACE}"><servicing>
<package action="stage"><assemblyIdentity name="Package_for_ServicingStack" version="1.2.3.4" language="neutral"
 processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35"/>
<source location="%configsetroot%/sub\\SSU.cab" /></package>
<package action="install"/></servicing></unattend>""".encode()


def test_the_packages_and_their_files() -> None:
    packages = read_unattend(ANSWER)
    assert packages is not None
    first, second = packages
    assert first.action == "stage"
    assert first.identity is not None
    assert first.identity.name == "Package_for_ServicingStack"
    assert first.source == "SSU.cab"
    assert (second.action, second.identity, second.source) == ("install", None, None)


@pytest.mark.parametrize("data", [b"<unattend/>", b"<package/>", ANSWER.replace(b":unattend", b":other")])
def test_another_document_is_no_answer_file(data: bytes) -> None:
    assert read_unattend(data) is None


@pytest.mark.parametrize("data", [b"", ANSWER[:-1], b"\x00"])
def test_what_is_no_xml(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_unattend(data)
