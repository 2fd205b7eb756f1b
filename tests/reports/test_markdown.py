"""Markdown of a check: short enough for a comment, and no text of the evidence is taken for a mark."""

import re

import pytest

from buildlab.reports.formats.markdown import escape
from buildlab.reports.render import render
from tests.reports.made_checks import HOSTILE, full, hostile, large, made

FULL = """\
### buildlab: may not be deployed

6.0.6003.20489 AMD64 Service Pack 2, partition 2:/Windows of disk.vhd

Afterwards: **build 6003.20562 \\(vistasp2\\_ldr\\_escrow.190801-1700\\), servicing stack 6.0.6003.20555, estimated**

| step | | package | verdict | why |
| ---: | --- | --- | --- | --- |
| 1 | install | KB4474419 | applicable | sha2: it fits |
| 2 | restart |  |  | KB4474419 asks for it |
| 3 | install | KB4493471 | blocked | monthly-rollup: it fits |
| 4 | skip | KB4493471 | not-applicable | not-applicable: x86 |
| 5 | skip | nameless.cab | missing-prerequisite | missing-prerequisite: a parent |

- missing: **KB948465**: service pack 2

| rule | severity | outcome | finding |
| --- | --- | --- | --- |
| R2 | block | fail | wrong architecture. Remedy: take the other. |
| R15 | block | unknown | no list. |
| R21 | warn | fail | two versions. |
| P1 | info | fail | KB1234567 is not there. |
| R4 | block | fail | no SHA-2 \\(waived: tested in the laboratory\\). |

- **unknown-format**: b/notes.txt: no package
"""


def test_the_whole_report() -> None:
    assert render(full(), "markdown") == FULL


def test_a_check_of_nothing_but_an_image() -> None:
    assert render(made(), "markdown").splitlines() == [
        "### buildlab: conforms",
        "",
        "6.0.6003.20489 AMD64 Service Pack 2, partition 2:/Windows of disk.vhd",
    ]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("a\nb", "a\\\\nb"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("&lt;", "\\&lt;"),
        ("[t](u)", "\\[t\\]\\(u\\)"),
        ("`c` *b* _i_ ~s~", "\\`c\\` \\*b\\* \\_i\\_ \\~s\\~"),
        ("@team", "@&#8203;team"),
        ("org/repo#12", "org/repo#&#8203;12"),
        ("https://e.org", "https:&#8203;//e.org"),
        ("www.e.org", "www.&#8203;e.org"),
        ("kb 1, at 2: 3", "kb 1, at 2: 3"),
        ("x" * 501, "x" * 499 + "…"),
    ],
)
def test_marks_are_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_hostile_text_changes_no_table() -> None:
    text = render(hostile(), "markdown")
    assert HOSTILE not in text
    assert all(line.isprintable() for line in text.splitlines())
    cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in text.splitlines() if line.startswith("|")]
    assert sorted(set(cells)) == [5, 6]
    assert not re.search(r"@\w|(?<!&)#\d|://", text)


def test_a_large_bundle_fits_a_comment() -> None:
    text = render(large(5_000), "markdown")
    assert len(text.encode()) < 65_536
    assert text.endswith("*The rest is left out here; the other formats have it.*\n")
    assert text.startswith("### buildlab: may not be deployed")


def test_a_hundred_rows_at_most() -> None:
    text = render(made(bundle=large(150).bundle, plan=large(150).plan), "markdown")
    assert "| 100 | install" in text
    assert "| 101 | install" not in text
    assert "and 50 more" in text
