"""Progress on stderr, for a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CLEAR = "\r\x1b[K"
_WIDTH = 100


@contextmanager
def progress_line(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done, on one line that is cleared at the end."""
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
