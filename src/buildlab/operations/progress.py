"""How an operation tells what it is doing."""

from typing import Protocol


class Progress(Protocol):
    """Called with a few words for each step, and with the share of the work that is done (0 to 1) where it is known."""

    def __call__(self, step: str, share: float | None = None, /) -> None: ...


def silent(step: str, share: float | None = None, /) -> None:
    """Tell nobody."""
