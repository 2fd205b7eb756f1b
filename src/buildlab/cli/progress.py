"""Progress on stderr, for a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CLEAR = "\r\x1b[K"
_WIDTH = 100


@contextmanager
def progress_line(*, quiet: bool, verbose: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done: with `verbose` a line each, on a terminal one line that is cleared at
    the end, and otherwise, or with `quiet`, nothing."""
    if verbose and not quiet:
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return

    def tell(text: str) -> None:
        sys.stderr.write(f"{_CLEAR}{text[:_WIDTH]}")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
