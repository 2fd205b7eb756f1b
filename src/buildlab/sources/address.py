"""Addresses of targets: ``TARGET[!INNER][#PART][@shadowN]``. A file that exists under the literal text wins over any
address."""

import re
from dataclasses import dataclass
from pathlib import Path

_SHADOW = re.compile(r"(?P<rest>.+)(?<!\\)@shadow(?P<number>[0-9]{1,6})", re.DOTALL)
_PART = re.compile(r"(?P<path>.+)(?<!\\)#(?P<part>[^#]+)", re.DOTALL)
_INNER = re.compile(r"(?<!\\)!")


@dataclass(frozen=True, slots=True)
class Address:
    """A path of the host, the paths of containers inside it, from the outside in, one part: the number of a partition
    or image, or the name of an image; and the number of a shadow copy of that part."""

    path: Path
    part: str | None
    inner: tuple[str, ...] = ()
    shadow: int | None = None


def parse_address(text: str) -> Address:
    """Split `text` at the ``@shadow`` that ends it, at its last ``#`` and at every ``!``, unless it names a file as it
    stands; a backslash before any of them makes it a plain character."""
    if _exists(text):
        return Address(Path(text), None)
    shadow = None
    if match := _SHADOW.fullmatch(text):
        text, shadow = match["rest"], int(match["number"])
        if _exists(text):
            return Address(Path(text), None, (), shadow)
    match = _PART.fullmatch(text)
    path, part = (match["path"], match["part"]) if match else (text, None)
    outer, *inner = (_plain(step) for step in _INNER.split(path))
    return Address(Path(outer), part, tuple(inner), shadow)


def address_path(text: str) -> Path:
    """The path of the host that an address begins with."""
    return parse_address(text).path


def _plain(text: str) -> str:
    return text.replace("\\#", "#").replace("\\!", "!").replace("\\@", "@")


def _exists(text: str) -> bool:
    """False too where the host cannot look: a name too long, or a folder that may not be entered."""
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
