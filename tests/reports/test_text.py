"""The text report: what evidence says can neither forge a line nor move a cursor."""

from pathlib import Path

from buildlab.operations.scan import scan
from buildlab.reports.render import render
from buildlab.reports.text_lines import plain
from tests.kit.systems import select_current_2
from tests.kit.windows import write_tree


def test_control_characters_are_escaped() -> None:
    assert plain("a\nb\x1b]0;t\x07\u202e") == "a\\nb\\x1b]0;t\\x07\\u202e"
    assert plain("große Datei") == "große Datei"


def test_values_of_the_evidence_cannot_forge_lines(tmp_path: Path) -> None:
    image = select_current_2()
    image.edition = "ServerX\n  verdict       agree (forged)\x1b]0;title\x07"
    image.product_name = "Windows\x1b[2J Server"
    write_tree(image.files(), tmp_path)
    text = render(scan(tmp_path))
    assert "\x1b" not in text
    verdicts = [line for line in text.splitlines() if line.startswith("  verdict")]
    assert len(verdicts) == 1
    assert "forged" not in verdicts[0]


def test_the_component_store_has_its_lines(tmp_path: Path) -> None:
    write_tree(select_current_2().files(), tmp_path)
    text = render(scan(tmp_path), "text")
    assert "2 components, 2 deployments, 1 catalogues" in text
    assert "newest installed: kernel 6.0.6003.20489, servicing stack 6.0.6003.20482" in text
    assert "marked as corrupt" not in text
