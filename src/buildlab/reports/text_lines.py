"""Lines of text for people, safe to print whatever the evidence holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildlab.results.scan import ScanError

LABEL_WIDTH = 14
LINE_WIDTH = 118


def plain(text: str) -> str:
    """Text from the evidence with control and format characters escaped, so that it can neither begin a line nor move
    the cursor of a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def line(label: str, text: str) -> str:
    """An indented line with its label in a column of its own."""
    return f"  {label:<{LABEL_WIDTH}}{plain(text)}"


def error_line(error: ScanError, target: str) -> str:
    """What went wrong, where, and what to try next; `target` is named where the error names no path."""
    at = "" if error.offset is None else f" (at offset {error.offset:#x})"
    hint = "" if error.hint is None else f"; {error.hint}"
    return plain(f"{error.path or target}: {error.kind}: {error.message}{at}{hint}")
