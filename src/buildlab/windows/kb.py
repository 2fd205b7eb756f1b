"""Knowledge-base numbers in the names that carry them.

A number has five to eight digits. It is looked for in the *name* of a package, never in its version, so that
``…~6.3.9600.16384`` gives none.
"""

import re
from dataclasses import dataclass

_KB = re.compile(r"(?<![A-Za-z0-9])KB[ -]?(\d{5,8})(?!\d)", re.IGNORECASE)
_SUPPORT_URL = re.compile(r"(?:[?&]kbid=|/kb/|/help/|/topic/(?:[^/]*[-_])?kb)(\d{5,8})(?!\d)", re.IGNORECASE)
_MEMBER = re.compile(r"package_(?:\d+_)?for_kb\d{5,8}(?P<suffix>.*)", re.IGNORECASE)
_NUMBERED_MEMBER = re.compile(r"package_\d+_for_", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KbName:
    """A KB number found in a package's name. `is_parent` is False for ``Package_2_for_KB…`` and ``…_client_1``."""

    kb: str
    is_parent: bool


def find_kb(text: str) -> str | None:
    """The first KB number in free text, a file name or a folder name, as ``KB4493471``; None when there is none."""
    match = _KB.search(text)
    return f"KB{match[1]}" if match else None


def kb_of_package_name(name: str) -> KbName | None:
    """The KB in the name field of a package identity, and whether the package stands for the whole update.

    Observed shapes: ``Package_for_KBn``, ``Package_<i>_for_KBn``, ``Package_for_KBn_<suffix>`` with client, server,
    sc, RTM, SP1 and the like, each with ``_<i>`` and ``_BF`` or without, ``VistaSP2-KBn``, ``KBn-IE8``. A suffix
    after a hyphen (``-v2``, ``-IE8``) belongs to the number and makes no member.
    """
    kb = find_kb(name)
    if kb is None:
        return None
    member = _MEMBER.fullmatch(name)
    is_parent = member is None or not (member["suffix"].startswith("_") or _NUMBERED_MEMBER.match(name))
    return KbName(kb, is_parent)


def kb_of_support_url(url: str) -> str | None:
    """The KB that a support address names: ``?kbid=``, ``/kb/``, ``/help/`` or a topic's slug."""
    match = _SUPPORT_URL.search(url)
    return f"KB{match[1]}" if match else find_kb(url)


def kb_number(kb: str) -> int:
    """The number of ``KB4493471``, for sorting."""
    return int(kb[2:])
