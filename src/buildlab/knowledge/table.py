"""The data files of this package."""

import csv
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

Confidence = Literal["primary", "secondary", "unverified"]
_DATA = Path(__file__).with_name("data")  # importlib.resources takes longer to import than these files to read


def _read(name: str) -> str:
    return (_DATA / name).read_text("utf-8")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file, by column name."""
    return list(csv.DictReader(_read(name).splitlines()))


def document(name: str) -> dict[str, Any]:
    """The content of a TOML file."""
    return tomllib.loads(_read(name))


def confidence(text: str) -> Confidence:
    """One of the three words; a data file with any other is a defect."""
    if text not in ("primary", "secondary", "unverified"):
        raise ValueError(f"confidence {text!r}")
    return cast(Confidence, text)


@cache
def knowledge_date() -> str:
    """The date of the bundled data, ISO 8601."""
    return str(document("knowledge.toml")["date"])
