"""What a security advisory says of updates, whichever format it is written in."""

import re
from dataclasses import dataclass

_KB = re.compile(r"(?:KB)?(\d{5,8})", re.IGNORECASE)
_KB_IN_ADDRESS = re.compile(r"(?:/help/|/kb/|[?&](?:kbid|q)=KB?)(\d{5,8})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """An update that mends a vulnerability in some products.

    `supersedes` are the KBs that it is said to replace, `fixed_build` the version that it brings, as stated; `subtype`
    the kind of update in the publisher's words. `released` is ISO 8601. Texts are empty where nothing is stated.
    """

    kb: str
    vulnerability: str
    products: tuple[str, ...]
    supersedes: tuple[str, ...] = ()
    fixed_build: str = ""
    subtype: str = ""
    restart: str = ""
    released: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A document: its identifier, title, publisher, the day of this revision of it (ISO 8601) and its remediations.

    `passed_over` counts the remediations that name no KB.
    """

    identifier: str
    title: str
    publisher: str
    released: str
    remediations: tuple[Remediation, ...]
    passed_over: int


def kb_of_text(text: str) -> str | None:
    """``KB4493471`` of a text that is a KB number and nothing else, with or without the letters."""
    match = _KB.fullmatch(text.strip())
    return None if match is None else f"KB{match[1]}"


def kb_of_address(address: str) -> str | None:
    """The KB that the address of an article, or of a search of the update catalogue, names."""
    match = _KB_IN_ADDRESS.search(address)
    return None if match is None else f"KB{match[1]}"


def kbs_of_list(text: str) -> tuple[str, ...]:
    """The KBs of a list that commas, semicolons or spaces separate; words that are none are passed over."""
    found = (kb_of_text(word) for word in re.split(r"[\s,;]+", text))
    return tuple(dict.fromkeys(kb for kb in found if kb is not None))
