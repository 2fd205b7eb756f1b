"""What kind of update a package is: by the pattern of its name, by its title, by the release type of its manifest."""

import re
from fnmatch import translate
from functools import cache

from buildlab.knowledge.table import rows


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    table = rows("package_classes.csv")
    return tuple((re.compile(translate(row["pattern"].lower())), row["classification"]) for row in table)


@cache
def _release_types() -> dict[str, str]:
    return {row["release_type"].lower(): row["classification"] for row in rows("release_types.csv")}


@cache
def _enablement_packages() -> dict[str, int]:
    return {row["package"].lower(): int(row["build"]) for row in rows("enablement_packages.csv")}


def class_of_package_name(name: str) -> str | None:
    """The class that a package's name tells, or None."""
    folded = name.lower()
    return next((classification for pattern, classification in _patterns() if pattern.match(folded)), None)


def class_of_release_type(release_type: str) -> str | None:
    """The class that a release type tells, or None (``Update`` and ``Security Update`` tell none)."""
    return _release_types().get(release_type.lower())


@cache
def _titles() -> tuple[tuple[str, str], ...]:
    return tuple((row["words"], row["classification"]) for row in rows("title_classes.csv"))


def class_of_title(title: str) -> tuple[str, str] | None:
    """The class that an update's title tells, and the words that tell it; None where it has none of them."""
    folded = " ".join(title.lower().split())
    return next(((classification, words) for words, classification in _titles() if words in folded), None)


def build_of_enablement_package(name: str) -> int | None:
    """The build that an enablement package of this name enables, or None."""
    return _enablement_packages().get(name.lower())


@cache
def _kinds() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(translate(row["pattern"].lower())), row["kind"]) for row in rows("package_kinds.csv"))


def kind_of_package_name(name: str) -> str | None:
    """For a package that is no update: ``edition`` or ``feature``, by its name; None where that tells nothing."""
    folded = name.lower()
    return next((kind for pattern, kind in _kinds() if pattern.match(folded)), None)
