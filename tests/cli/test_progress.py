"""Progress: on a terminal only, cleared at its end; what is piped holds none of it."""

import io
import sys

import pytest

from buildlab.cli.progress import progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, quiet: bool = False, verbose: bool = False) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_line(quiet=quiet, verbose=verbose) as tell:
        tell("opening disk.vhd")
        tell("read b.msu (25 of 50)", 0.5)
        tell("read c.msu (50 of 50)", 1.0)
    return stream.getvalue()


def test_a_terminal_gets_a_bar_that_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = shown(monkeypatch, Terminal()).split("\r\x1b[K")
    assert steps == [
        "",
        "opening disk.vhd",
        f"[{'#' * 12}{' ' * 12}]  50% read b.msu (25 of 50)",
        f"[{'#' * 24}] 100% read c.msu (50 of 50)",
        "",
    ]


def test_a_pipe_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO()) == ""
    assert shown(monkeypatch, Terminal(), quiet=True) == ""
    assert shown(monkeypatch, Terminal(), quiet=True, verbose=True) == ""


def test_verbose_is_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch, io.StringIO(), verbose=True).splitlines()
    assert lines == ["opening disk.vhd", "read b.msu (25 of 50)", "read c.msu (50 of 50)"]
