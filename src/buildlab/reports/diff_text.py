"""A comparison as text: both sides, then what differs, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.reports.text_lines import error_line, line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildlab.results.diff import Diff

_NOTHING = "-"
_MOST = 200
_NOTHING_DIFFERS = {0: "nothing differs", 4: "nothing differs in what could be read"}
"""By exit code; with any other one nothing was compared."""


def diff_text(diff: Diff) -> str:
    """The whole report."""
    return "\n".join([*_lines(diff), ""])


def _lines(diff: Diff) -> Iterator[str]:
    for name, side in (("a", diff.a), ("b", diff.b)):
        where = f", {side.location}" if side.location else ""
        yield plain(f"{name}: {side.summary} ({side.path}{where})")
    yield from _section("identity", [(one.field, one.a, one.b) for one in diff.identity])
    yield from _section("updates", [(one.kb, one.a, one.b) for one in diff.updates])
    yield from _section("packages", [(one.identity, one.a, one.b) for one in diff.packages])
    yield from _section("files", [(one.path, one.a, one.b) for one in diff.files])
    if not diff.is_different and diff.exit.code in _NOTHING_DIFFERS:
        yield f"  {_NOTHING_DIFFERS[diff.exit.code]}"
    yield from (error_line(error, "") for error in diff.errors)
    yield line("exit", f"{diff.exit.code}, {diff.exit.reason}")


def _section(name: str, rows: Sequence[tuple[str, str | None, str | None]]) -> Iterator[str]:
    if rows:
        yield line(name, f"{len(rows)} differ")
    for what, one, other in rows[:_MOST]:
        yield plain(f"    {what}: {one or _NOTHING} -> {other or _NOTHING}")
    if len(rows) > _MOST:
        yield f"    and {len(rows) - _MOST} more"
