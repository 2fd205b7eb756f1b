"""What the XML of a WIM claims, and numbers in it that are none."""

import pytest

from buildlab.errors import FormatError
from buildlab.readers.wim_xml import read_wim_xml


def described(number: str, build: str) -> bytes:
    version = f"<VERSION><MAJOR>6</MAJOR><MINOR>1</MINOR><BUILD>{build}</BUILD><SPBUILD>17514</SPBUILD></VERSION>"
    image = f'<IMAGE INDEX="{number}"><NAME>Server</NAME><WINDOWS><ARCH>9</ARCH>{version}</WINDOWS></IMAGE>'
    return b"\xff\xfe" + f"<WIM>{image}</WIM>".encode("utf-16-le")


def test_an_image() -> None:
    (claim,) = read_wim_xml(described("1", "7601"))
    assert (claim.index, claim.name, claim.version, claim.spbuild) == (1, "Server", "6.1.7601.17514", 17514)


@pytest.mark.parametrize("build", ["9" * 5000, "\N{ARABIC-INDIC DIGIT SEVEN}601", "-7601", "0x10", "7601.1", ""])
def test_a_number_that_is_none_is_left_out(build: str) -> None:
    (claim,) = read_wim_xml(described("1", build))
    assert (claim.build, claim.major) == (None, 6)


@pytest.mark.parametrize("number", ["9" * 5000, "\N{ARABIC-INDIC DIGIT SEVEN}", "first", ""])
def test_an_image_without_a_number_is_left_out(number: str) -> None:
    assert read_wim_xml(described(number, "7601")) == ()


def test_what_is_no_xml() -> None:
    with pytest.raises(FormatError):
        read_wim_xml(b"\xff\xfe<\0")
