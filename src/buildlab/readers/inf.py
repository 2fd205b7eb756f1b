"""INF files: sections of lines, each ``key = value, value`` or values alone, with ``%token%`` from ``[Strings]``.

After "General Syntax Rules for INF Files" and "INF Strings Section" of the Windows Driver Kit. Names of sections and
keys have no case; sections of the same name are one. A quotation mark inside quotes is written twice, a percent sign
twice, a comment begins at a semicolon outside quotes, and a backslash at the end of a line goes on with the next.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.text import decode_text

_LONGEST_SECTION = 255
_TOKEN = re.compile(r'%([^%"]*)%')
_SPECIAL = re.compile(r'[";]')
_BREAK = re.compile(r"\r\n|\r|\n|\x1a")


@dataclass(frozen=True, slots=True)
class InfLine:
    """One line. `key` is what stands before an equals sign, None where there is none; `number` counts from 1."""

    key: str | None
    values: tuple[str, ...]
    number: int

    @property
    def value(self) -> str:
        """The first value; empty where none is written."""
        return self.values[0] if self.values else ""


@dataclass(frozen=True, slots=True)
class InfSection:
    """A section, named as its first heading spells it, with the lines under all its headings."""

    name: str
    lines: tuple[InfLine, ...]

    def named(self, key: str) -> tuple[InfLine, ...]:
        """The lines with this key, in their order."""
        folded = key.casefold()
        return tuple(line for line in self.lines if line.key is not None and line.key.casefold() == folded)

    def get(self, key: str) -> str | None:
        """The first value of the first line with this key; None where there is none, or it is empty."""
        return next((line.value for line in self.named(key)), "") or None


@dataclass(frozen=True, slots=True)
class Inf:
    """The sections in the order of their first headings; tokens that [Strings] does not define stay as written."""

    sections: tuple[InfSection, ...]

    def section(self, name: str) -> InfSection | None:
        """The section of this name, whose case does not matter."""
        folded = name.casefold()
        return next((section for section in self.sections if section.name.casefold() == folded), None)

    def by_name(self) -> dict[str, InfSection]:
        """The sections under their folded names, for many look-ups."""
        return {section.name.casefold(): section for section in self.sections}


def read_inf(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Inf:
    """Parse an INF file of any encoding; errors as `parse_inf`."""
    if len(data) > limits.inf_bytes:
        raise LimitExceededError(f"an INF file of {len(data)} bytes, more than the {limits.inf_bytes} that are read")
    return parse_inf(decode_text(data), limits)


def parse_inf(text: str, limits: Limits = DEFAULT_LIMITS) -> Inf:
    """Parse the text of an INF file.

    FormatError for what is no INF: text before the first section, a heading that is not closed, a NUL, no section at
    all; LimitExceededError for more than the bounds allow, also where tokens are replaced.
    """
    if "\0" in text:
        raise FormatError("inf", "is no text")
    lines = _BREAK.split(text)
    if len(lines) > limits.inf_values:
        raise LimitExceededError(f"an INF file of {len(lines)} lines")
    found = _sections(lines, limits)
    if not found:
        raise FormatError("inf", "has no section")
    return _Tokens(found, limits).replaced()


def _logical_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines without comments and blanks around them, continued ones joined, with the number of their first."""
    pending: list[str] = []
    started = 0
    for number, raw in enumerate(lines, 1):
        line = _uncommented(raw)
        started = started or number
        if line.endswith("\\") and not _open_quote(line) and not line.startswith("["):
            pending.append(line[:-1])
            continue
        whole = "".join((*pending, line)).strip()
        if whole:
            yield started, whole
        pending, started = [], 0
    rest = "".join(pending).strip()
    if rest:
        yield started, rest


def _uncommented(line: str) -> str:
    if ";" not in line:
        return line.strip()
    quoted = False
    for match in _SPECIAL.finditer(line):
        if match[0] == '"':
            quoted = not quoted
        elif not quoted:
            return line[: match.start()].strip()
    return line.strip()


def _open_quote(text: str) -> bool:
    return text.count('"') % 2 == 1


def _sections(raw_lines: list[str], limits: Limits) -> dict[str, tuple[str, list[InfLine]]]:
    found: dict[str, tuple[str, list[InfLine]]] = {}
    lines: list[InfLine] | None = None
    values = 0
    for number, line in _logical_lines(raw_lines):
        if line.startswith("["):
            name = line[1:-1].strip()
            if not line.endswith("]") or not name or len(name) > _LONGEST_SECTION:
                raise FormatError("inf", f"line {number}: a heading that is none")
            lines = found.setdefault(name.casefold(), (name, []))[1]
            continue
        if lines is None:
            raise FormatError("inf", f"line {number}: text before the first section")
        parsed = _line(line, number)
        values += len(parsed.values) + 1
        if values > limits.inf_values:
            raise LimitExceededError(f"an INF file with more than {limits.inf_values} values")
        lines.append(parsed)
    return found


def _line(line: str, number: int) -> InfLine:
    if '"' not in line:
        name, equals, rest = line.partition("=")
        values = (value.strip() for value in (rest if equals else name).split(","))
        return InfLine(name.strip() if equals else None, tuple(values), number)
    key_end, commas = _separators(line)
    key = None if key_end is None else _unquoted(line[:key_end])
    begin = 0 if key_end is None else key_end + 1
    starts = (begin, *(comma + 1 for comma in commas))
    ends = (*commas, len(line))
    return InfLine(key, tuple(_unquoted(line[start:end]) for start, end in zip(starts, ends, strict=True)), number)


def _separators(line: str) -> tuple[int | None, list[int]]:
    """Where the equals sign behind a key stands, and the commas behind it, none of them inside quotes.

    An equals sign behind a comma belongs to a value.
    """
    key_end: int | None = None
    commas: list[int] = []
    quoted = False
    for at, char in enumerate(line):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char == ",":
            commas.append(at)
        elif char == "=" and key_end is None and not commas:
            key_end = at
    return key_end, commas


def _unquoted(text: str) -> str:
    """Without the quotes; blanks inside them stay. A quote that is not closed ends with the line."""
    text = text.strip()
    if '"' not in text:
        return text
    if '""' not in text:
        return text.replace('"', "")
    made: list[str] = []
    quoted = False
    at = 0
    while at < len(text):
        if text[at] != '"':
            made.append(text[at])
        elif quoted and text[at + 1 : at + 2] == '"':
            made.append('"')
            at += 1
        else:
            quoted = not quoted
        at += 1
    return "".join(made)


class _Tokens:
    """Replaces ``%token%`` once: the texts of [Strings] have none themselves, so that nothing can nest."""

    def __init__(self, found: dict[str, tuple[str, list[InfLine]]], limits: Limits) -> None:
        self._found = found
        self._left = limits.inf_bytes
        self._most = limits.inf_bytes
        lines = found.get("strings", ("", []))[1]
        self._texts: dict[str, str] = {}
        for line in lines:
            if line.key is not None:
                self._texts.setdefault(line.key.casefold(), ",".join(line.values))

    def replaced(self) -> Inf:
        sections = tuple(
            InfSection(name, tuple(lines if folded == "strings" else map(self._line, lines)))
            for folded, (name, lines) in self._found.items()
        )
        return Inf(sections)

    def _line(self, line: InfLine) -> InfLine:
        key = line.key
        if not any("%" in value for value in line.values) and (key is None or "%" not in key):
            return line
        values = tuple(self._text(value) for value in line.values)
        return InfLine(None if key is None else self._text(key), values, line.number)

    def _text(self, text: str) -> str:
        if "%" not in text:
            return text
        made: list[str] = []
        at = 0
        for match in _TOKEN.finditer(text):
            made += (text[at : match.start()], self._token(match[0], match[1]))
            self._left -= len(made[-1])
            if self._left < 0:
                raise LimitExceededError(f"an INF file of more than {self._most} characters behind its tokens")
            at = match.end()
        made.append(text[at:])
        return "".join(made)

    def _token(self, written: str, name: str) -> str:
        """The text of a token. Numbers are folders, and with others that are not defined stay as they are."""
        return self._texts.get(name.casefold(), written) if name else "%"
