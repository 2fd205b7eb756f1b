"""For which products a package is made: client, server, Server Core, preinstallation environment, by its name."""

import re
from fnmatch import translate
from functools import cache, lru_cache

from buildlab.knowledge.table import rows

_COUNT = re.compile(r"(?:_\d{1,4})?(?:_bf)?$")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(translate(row["pattern"].lower())), row["side"]) for row in rows("package_sides.csv"))


@lru_cache(maxsize=32_768)
def side_of_package_name(name: str) -> str | None:
    """The product that a package's name tells, ``Package_for_KB4493471_server_1_BF`` say; None where it tells none."""
    stem = _COUNT.sub("", name.lower())
    return next((side for pattern, side in _patterns() if pattern.match(stem)), None)
