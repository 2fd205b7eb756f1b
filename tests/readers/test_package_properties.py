"""The properties file of an MSU, in the encodings that text files come in."""

import pytest

from buildlab.errors import FormatError
from buildlab.readers.package_properties import read_package_properties

TEXT = (
    'ApplicabilityInfo="Windows Vista SP2;Windows Server 2008 SP2;Windows Vista SP2;"\r\n'
    'Applies to="Windows 6.0"\r\nKB Article Number="4493471"\r\nProcessor Architecture="ia64"\r\nno property\r\n'
    'Company=""\r\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_property(encoding: str) -> None:
    found = read_package_properties(TEXT.encode(encoding))
    assert found.applicability == ("Windows Vista SP2", "Windows Server 2008 SP2")
    assert found.get("applies TO") == "Windows 6.0"
    assert found.kb == "KB4493471"
    assert found.get("Company") is None
    assert found.get("absent") is None
    assert len(found.lines) == 5


@pytest.mark.parametrize(
    ("number", "kb"),
    [("971286", "KB971286"), ("KB971286", "KB971286"), ("1", None), ("123456789", None), ("97128x", None), ("", None)],
)
def test_a_number_is_a_kb_only_with_five_to_eight_digits(number: str, kb: str | None) -> None:
    assert read_package_properties(f'KB Article Number="{number}"'.encode()).kb == kb


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"nothing here", b'="value"', b"\x00" * 64])
def test_what_holds_no_property(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_package_properties(data)


def test_bytes_outside_every_encoding_do_not_hide_the_rest() -> None:
    found = read_package_properties(b'Title="caf\xe9\x81"\r\nKB Article Number="971286"')
    assert found.get("Title") == "caf\u00e9\ufffd"
    assert found.kb == "KB971286"
