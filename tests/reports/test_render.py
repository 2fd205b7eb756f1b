"""A result in a format by name: what counts as which kind of result."""

import typing
from collections import deque
from dataclasses import dataclass

import pytest

import buildlab
from buildlab.reports.report_format import report_format
from buildlab.results.scan import Scan
from tests.places import FIXTURES


@dataclass(frozen=True, slots=True)
class _OwnScan(Scan):
    """A user's class of results."""


def _scan() -> Scan:
    return buildlab.scan(FIXTURES / "nothing.here")


def test_several_scans_in_any_collection() -> None:
    scan = _scan()
    both = buildlab.render([scan, scan], "json")
    assert buildlab.render((scan, scan), "json") == both
    assert buildlab.render(deque([scan, scan]), "json") == both  # type: ignore[arg-type]
    assert buildlab.render((one for one in (scan, scan)), "json") == both  # type: ignore[arg-type]
    assert buildlab.render(deque([scan]), "text") == buildlab.render(scan, "text") == buildlab.render(scan)  # type: ignore[arg-type]


@pytest.mark.parametrize("nothing", [None, 7, "text", b"bytes"])
def test_what_is_no_result(nothing: object) -> None:
    with pytest.raises(TypeError, match="no result"):
        buildlab.render(nothing, "json")  # type: ignore[arg-type]


def test_formats_that_there_are_not() -> None:
    for name in ("nonsense", "", "report_format", "json.x", "../json", "__init__"):
        assert report_format(name) is None
        with pytest.raises(KeyError):
            buildlab.render(_scan(), name)
    with pytest.raises(ValueError, match="no report of a result of this kind"):
        buildlab.render(_scan(), "sarif")


def test_a_class_made_from_a_result_is_of_its_kind() -> None:
    scan = _scan()
    own = _OwnScan(**{name: getattr(scan, name) for name in scan.__dataclass_fields__})
    assert buildlab.render(own, "json") == buildlab.render(scan, "json")


def test_the_annotations_of_the_public_function_can_be_looked_up() -> None:
    assert typing.get_type_hints(buildlab.render)["return"] is str
