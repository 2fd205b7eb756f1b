"""The text of a comparison."""

from typing import Any

from buildlab.reports.diff_text import diff_text
from buildlab.results.diff import (
    Diff,
    DiffSide,
    FieldDifference,
    FileDifference,
    PackageDifference,
    UpdateDifference,
)
from buildlab.results.scan import Exit, ScanError, Tool
from tests.reports.made_checks import HOSTILE

A = DiffSide(path="a.vhd", location="/Windows", summary="6.0.6002.24566")
B = DiffSide(path="b", location=None, summary="2 packages")


def made(**fields: Any) -> Diff:
    told: dict[str, Any] = {
        "schema": "buildlab.diff/1",
        "tool": Tool(name="buildlab", version="0.1.0", knowledge="2026-11-20"),
        "a": A,
        "b": B,
        "identity": (),
        "updates": (),
        "packages": (),
        "files": (),
        "errors": (),
        "exit": Exit(code=0, reason="done"),
    }
    return Diff(**{**told, **fields})


def test_nothing_differs() -> None:
    assert diff_text(made()) == (
        "a: 6.0.6002.24566 (a.vhd, /Windows)\nb: 2 packages (b)\n  nothing differs\n  exit          0, done\n"
    )


def test_every_section() -> None:
    text = diff_text(
        made(
            identity=(FieldDifference(field="identity.build", a="6002", b="6003"),),
            updates=(UpdateDifference(kb="KB4493471", a=None, b="installed"),),
            packages=(PackageDifference(identity="P~1", a="present", b=None),),
            files=(FileDifference(path="/k", a="1", b="2"),),
            errors=(ScanError(kind="damaged", message="cut", path="b/x"),),
            exit=Exit(code=4, reason="partial"),
        )
    )
    assert text.splitlines()[2:] == [
        "  identity      1 differ",
        "    identity.build: 6002 -> 6003",
        "  updates       1 differ",
        "    KB4493471: - -> installed",
        "  packages      1 differ",
        "    P~1: present -> -",
        "  files         1 differ",
        "    /k: 1 -> 2",
        "b/x: damaged: cut",
        "  exit          4, partial",
    ]


def test_nothing_is_said_to_be_the_same_where_nothing_was_compared() -> None:
    text = diff_text(made(exit=Exit(code=3, reason="no-installation")))
    assert "nothing differs" not in text
    partly = diff_text(made(exit=Exit(code=4, reason="partial")))
    assert "  nothing differs in what could be read" in partly.splitlines()


def test_long_lists_are_cut_and_counted() -> None:
    lines = diff_text(
        made(packages=tuple(PackageDifference(identity=f"P{number}", a="present", b=None) for number in range(205)))
    ).splitlines()
    assert "  packages      205 differ" in lines
    assert "    and 5 more" in lines
    assert len(lines) == 2 + 1 + 200 + 1 + 1


def test_hostile_text() -> None:
    side = DiffSide(path=HOSTILE, location=HOSTILE, summary=HOSTILE)
    text = diff_text(made(a=side, files=(FileDifference(path=HOSTILE, a=HOSTILE, b=None),)))
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 5
