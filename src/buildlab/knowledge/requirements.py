"""What an update needs before it, as the table of updates states it."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.updates import known_updates, update_of_kb

_STACK = "ssu>="
_ANY = "any:"
_LICENCE = "licence:"
_STACK_CLASS = "servicing-stack"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that an update needs: any one of `kbs` meets it. `words` say it for people.

    A `licence` (``esu``, ``azure`` …) is met by no update, and no image shows for sure that it is there.
    """

    words: str
    kbs: frozenset[str] = frozenset()
    licence: str | None = None

    def is_met_by(self, present: frozenset[str]) -> bool:
        """Whether one of the updates is among those that are there."""
        return not self.kbs.isdisjoint(present)


@cache
def requirements_of_kb(kb: str) -> tuple[Requirement, ...]:
    """The requirements of an update, none for one that the table does not know.

    Four forms: ``KB…``, ``any:KB…,KB…``, ``ssu>=KB…``, which that servicing stack update and every later one meet, and
    ``licence:…``.
    """
    known = update_of_kb(kb)
    return () if known is None else tuple(_requirement(text) for text in known.prerequisites)


@cache
def sha2_requirements() -> tuple[Requirement, ...]:
    """What every update that is signed with SHA-2 only needs on NT 6.0: the SHA-2 update and what that one needs."""
    kbs = sorted(kb for kb, known in known_updates().items() if known.classification == "sha2")
    needed = (one for kb in kbs for one in requirements_of_kb(kb))
    return (*needed, Requirement(" or ".join(kbs), frozenset(kbs)))


def _requirement(text: str) -> Requirement:
    if text.startswith(_STACK):
        first = text.removeprefix(_STACK)
        return Requirement(f"{first} or a later servicing stack update", _stacks_from(first))
    if text.startswith(_LICENCE):
        licence = text.removeprefix(_LICENCE)
        return Requirement(f"a licence ({licence})", licence=licence)
    kbs = text.removeprefix(_ANY).split(",")
    return Requirement(" or ".join(kbs), frozenset(kbs))


def _stacks_from(kb: str) -> frozenset[str]:
    known = known_updates()
    first = known.get(kb)
    if first is None:
        return frozenset({kb})
    later = (item.kb for item in known.values() if item.classification == _STACK_CLASS and item.date >= first.date)
    return frozenset({kb, *later})
