"""Names in cabinets: how they are written, and what makes one unfit to be a path.

A name is data. Nothing here makes a path of the host of it, and nothing is taken out of it.
"""

import re
from typing import Literal

from buildlab.windows.path import fold_name

ATTRIBUTE_NAME_IS_UTF = 0x80
"""_A_NAME_IS_UTF of [MS-CAB] 2.3; a name without it is in a code page that the cabinet does not tell."""
DEFAULT_CODE_PAGE = "cp1252"

NameHazard = Literal[
    "absolute",
    "drive",
    "parent",
    "not-normal",
    "empty",
    "control-character",
    "reserved-character",
    "device",
    "long",
    "code-page",
    "undecodable",
    "duplicate",
]
"""What is unusual about a name.

`absolute` begins with a separator, `drive` with a letter and a colon, `parent` has a name ``..`` and `not-normal` an
empty one or ``.``; `reserved-character` and `device` (``NUL``, ``COM1`` …) mean something else to Windows than a file;
`long` exceeds the 255 bytes of the specification; `code-page` is no ASCII and was decoded by an assumed code page, and
`undecodable` by neither that nor UTF-8; `duplicate` is also the name of another member, or of a folder of one.
"""

UNFIT: frozenset[NameHazard] = frozenset({"absolute", "drive", "parent", "not-normal", "empty"})
"""Hazards of names that are not the path of a file inside a tree."""

_SEPARATORS = re.compile(r"[\\/]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_RESERVED = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|COM[1-9¹²³]|LPT[1-9¹²³])(?:[. ].*)?", re.IGNORECASE | re.DOTALL)
_LONGEST = 255


def decode_name(raw: bytes, attributes: int, code_page: str = DEFAULT_CODE_PAGE) -> tuple[str, tuple[NameHazard, ...]]:
    """A name as text, and what is unusual about it; `code_page` is that of names that are not in UTF-8.

    Of one that cannot be decoded the bytes that are no ASCII are shown as ``%FF``.
    """
    hazards: list[NameHazard] = []
    encoding = "utf-8" if attributes & ATTRIBUTE_NAME_IS_UTF else code_page
    if not raw.isascii() and encoding != "utf-8":
        hazards.append("code-page")
    try:
        name = raw.decode(encoding)
    except UnicodeDecodeError:
        hazards.append("undecodable")
        name = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)
    if len(raw) > _LONGEST:
        hazards.append("long")
    return name, (*hazards, *_hazards(name))


def split_name(name: str) -> list[str]:
    """The names between separators, empty ones too."""
    return _SEPARATORS.split(name)


def fold_path(name: str) -> str:
    """The key under which two names are the same path; its names are separated by ``/``, as many as `split_name`'s."""
    return fold_name(name.replace("\\", "/"))


def _hazards(name: str) -> list[NameHazard]:
    hazards: list[NameHazard] = []
    if not name:
        return ["empty"]
    names = split_name(name)
    if names[0] == "":
        hazards.append("absolute")
    if name[1:2] == ":" and name[0].isascii() and name[0].isalpha():
        hazards.append("drive")
    if ".." in names:
        hazards.append("parent")
    if "." in names or "" in names[1:]:
        hazards.append("not-normal")
    if _CONTROL.search(name):
        hazards.append("control-character")
    if _RESERVED.search(name) or any(one.endswith((".", " ")) and one not in (".", "..") for one in names):
        hazards.append("reserved-character")
    if any(_DEVICE.fullmatch(one) for one in names):
        hazards.append("device")
    return hazards
