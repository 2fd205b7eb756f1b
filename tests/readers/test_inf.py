"""INF files: the syntax rules one by one, encodings, and damage."""

import random
import time
from dataclasses import replace

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.inf import Inf, InfLine, parse_inf, read_inf
from tests.kit.legacy_updates import LegacyUpdate


def _line(text: str, strings: str = "") -> InfLine:
    section = parse_inf(f"[One]\n{text}\n[Strings]\n{strings}\n").section("one")
    assert section is not None
    (line,) = section.lines
    return line


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("a = b", "a", ("b",)),
        ("  a=b , c,,d ; comment", "a", ("b", "c", "", "d")),
        ("file.sys", None, ("file.sys",)),
        ("new.dll, SP2QFE\\old.dll", None, ("new.dll", "SP2QFE\\old.dll")),
        ("a =", "a", ("",)),
        ("=b", "", ("b",)),
        ('a = "b, c; d = e"', "a", ("b, c; d = e",)),
        ('"a = b" = "c"', "a = b", ("c",)),
        ('HKLM,"Key\\Sub","Name",0x10001,1', None, ("HKLM", "Key\\Sub", "Name", "0x10001", "1")),
        ('HKLM,Key,,0,"a=b"', None, ("HKLM", "Key", "", "0", "a=b")),
        ('"say ""hello"""', None, ('say "hello"',)),
        ('"sdset ""D:(A;;X)""" ; comment', None, ('sdset "D:(A;;X)"',)),
        ('"  blanks  "', None, ("  blanks  ",)),
        ('pre"quoted, part"post', None, ("prequoted, partpost",)),
        ('a = "not closed', "a", ("not closed",)),
        ("a = b \\\n    , c \\\n    , d", "a", ("b", "c", "d")),
        ('a = "path\\"\\\n    , c', "a", ("path\\", "c")),
        ("a = %x%", "a", ("text, with comma",)),
        ("%x% = 1", "text, with comma", ("1",)),
        ('"%X%\\%y%"', None, ("text, with comma\\two",)),
        ("50%%, %unknown%, %11%\\x, %y", None, ("50%", "%unknown%", "%11%\\x", "%y")),
        ("%%y%%", None, ("%y%",)),
        ('a %1" , b %1', None, ("a %1 , b %1",)),
        ("%nested%", None, ("%y%",)),
    ],
)
def test_a_line(text: str, key: str | None, values: tuple[str, ...]) -> None:
    line = _line(text, 'x = "text, with comma"\ny = two\nnested = %y%\nY = not this one')
    assert (line.key, line.values) == (key, values)


def test_sections_of_one_name_are_one_and_names_have_no_case() -> None:
    inf = parse_inf("; comment\n\n[One]\na=1\n[Two]\n[ONE]\nA=2\n\nb=\n")
    assert [section.name for section in inf.sections] == ["One", "Two"]
    one = inf.section("oNE")
    assert one is not None
    assert [(line.key, line.value, line.number) for line in one.lines] == [("a", "1", 4), ("A", "2", 7), ("b", "", 9)]
    assert [line.value for line in one.named("A")] == ["1", "2"]
    assert (one.get("a"), one.get("b"), one.get("c")) == ("1", None, None)
    assert inf.section("three") is None
    assert set(inf.by_name()) == {"one", "two"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    inf = read_inf(end.join(("[Strings]", 'a = "Sécurité"', "b = 2", "")).encode(encoding))
    strings = inf.section("Strings")
    assert strings is not None
    assert (strings.get("a"), strings.get("b")) == ("Sécurité", "2")


def test_a_file_may_end_as_dos_ends_it() -> None:
    assert read_inf(b"[a]\r\nb=1\r\n\x1a") == read_inf(b"[a]\r\nb=1\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n; only\r\n",
        b"a=b\n[c]\n",
        b"[a\nb=1",
        b"[]\n",
        b"[a] b\n",
        b"[a]\nb=\0\n",
        b"MZ\x90\0",
        b"[" + b"a" * 300 + b"]",
    ],
)
def test_what_is_no_inf(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_inf(data)


def test_bounds() -> None:
    with pytest.raises(LimitExceededError, match="bytes"):
        read_inf(b"[a]\n" + b";" * 100, replace(DEFAULT_LIMITS, inf_bytes=64))
    with pytest.raises(LimitExceededError, match="values"):
        read_inf(b"[a]\nb=" + b"," * 100, replace(DEFAULT_LIMITS, inf_values=64))
    with pytest.raises(LimitExceededError, match="lines"):
        read_inf(b"[a]\n" + b"\n" * 100, replace(DEFAULT_LIMITS, inf_values=64))


def test_tokens_cannot_make_more_than_the_bound() -> None:
    text = "[Strings]\nx=" + "x" * 100_000 + "\n[a]\n" + "%x%,%x%\n" * 1000
    start = time.process_time()
    with pytest.raises(LimitExceededError, match="tokens"):
        parse_inf(text)
    assert time.process_time() - start < 2


def _read_or_refuse(data: bytes) -> Inf | None:
    try:
        return read_inf(data)
    except BuildlabError:
        return None


def test_every_cut_and_flipped_bytes() -> None:
    data = LegacyUpdate().update_inf()
    for length in range(len(data)):
        _read_or_refuse(data[:length])
    numbers = random.Random(1)
    for _ in range(3000):
        spoilt = bytearray(data)
        for _ in range(numbers.choice([1, 4, 32])):
            spoilt[numbers.randrange(len(data))] = numbers.choice(b'"%[]=,;\\\r\n\x80\xff\0x')
        _read_or_refuse(bytes(spoilt))


@pytest.mark.parametrize(
    "piece", [b"\\\n", b'"', b"%", b"a=1,", b"[x]\n", b'"a""b"\n', b"%a%", b"a\\\n", b";\n", b'"\\\n']
)
def test_many_of_anything_are_read_or_refused_at_once(piece: bytes) -> None:
    start = time.process_time()
    _read_or_refuse(b"[a]\n" + piece * (400_000 // len(piece)))
    assert time.process_time() - start < 3
