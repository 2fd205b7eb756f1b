"""Addresses of targets: ``TARGET[#PART]``. A file that exists under the literal text wins over any address."""

import re
from dataclasses import dataclass
from pathlib import Path

_PART = re.compile(r"(?P<path>.+)(?<!\\)#(?P<part>[^#]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A path of the host and, for one partition of a disk, its number as text."""

    path: Path
    part: str | None


def parse_address(text: str) -> Address:
    """Split `text` at its last ``#`` unless it names a file as it stands; ``\\#`` is a plain ``#``."""
    if _exists(text):
        return Address(Path(text), None)
    match = _PART.fullmatch(text)
    path, part = (match["path"], match["part"]) if match else (text, None)
    return Address(Path(path.replace("\\#", "#")), part)


def _exists(text: str) -> bool:
    """False too where the host cannot look: a name too long, or a folder that may not be entered."""
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
