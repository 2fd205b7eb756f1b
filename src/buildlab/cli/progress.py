"""Progress on stderr, for a terminal only."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildlab.operations.progress import Progress

_CLEAR = "\r\x1b[K"
_WIDTH = 100
_BAR = 24


@contextmanager
def progress_line(*, quiet: bool, verbose: bool) -> "Iterator[Progress]":
    """A function that shows what is being done: with `verbose` a line each, on a terminal one line that is cleared at
    the end, with a bar where the share of the work is known, and otherwise, or with `quiet`, nothing."""
    if verbose and not quiet:
        yield lambda step, share=None: print(_plain(step), file=sys.stderr, flush=True)
        return
    if quiet or not sys.stderr.isatty():
        yield lambda step, share=None: None
        return

    def tell(step: str, share: float | None = None, /) -> None:
        sys.stderr.write(f"{_CLEAR}{(_bar(share) + _plain(step))[:_WIDTH]}")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()


def _plain(text: str) -> str:
    """Names of files cannot move the cursor of a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _bar(share: float | None) -> str:
    """``[######                  ]  25% ``, nothing where the share is not known."""
    if share is None:
        return ""
    share = min(max(share, 0.0), 1.0)
    return f"[{'#' * round(share * _BAR):<{_BAR}}] {share:4.0%} "
