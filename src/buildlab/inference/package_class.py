"""What kind of update a package is, with the reason."""

from typing import NamedTuple, cast

from buildlab.evidence.package_content import Mum, PackageContent
from buildlab.knowledge.package_classes import class_of_package_name, class_of_release_type, class_of_title
from buildlab.knowledge.updates import update_of_kb
from buildlab.results.scan import Classification

_STACK = "microsoft-windows-servicingstack"


class PackageClass(NamedTuple):
    """The class and why it is that."""

    classification: Classification
    because: str


def classify_package(kb: str | None, mum: Mum | None, content: PackageContent) -> PackageClass | None:
    """What is known of the KB, then the package's name, its content, its title, its release type.

    None when none of them tells.
    """
    for told in (_by_kb(kb), _by_name(mum), _by_content(mum, content), _by_title(mum), _by_release_type(mum)):
        if told is not None:
            return PackageClass(cast(Classification, told[0]), told[1])
    return None


def _by_kb(kb: str | None) -> tuple[str, str] | None:
    known = update_of_kb(kb) if kb is not None else None
    return None if known is None else (known.classification, f"the bundled data lists {kb} as {known.kind_words}")


def _by_name(mum: Mum | None) -> tuple[str, str] | None:
    name = "" if mum is None else mum.head.identity.name
    word = class_of_package_name(name)
    return None if word is None else (word, f"the package is called {name}")


def _by_content(mum: Mum | None, content: PackageContent) -> tuple[str, str] | None:
    """A capability is a feature on demand; a package of the servicing stack's own component is its update."""
    if mum is not None and mum.capability is not None:
        return "feature-on-demand", f"its manifest declares the capability {mum.capability.name}"
    owners = [store.manifest.identity.name for store in content.components if store.manifest.files]
    if owners and all(owner.lower().startswith(_STACK) for owner in owners):
        return "servicing-stack", "all files that it brings belong to the servicing stack"
    return None


def _by_title(mum: Mum | None) -> tuple[str, str] | None:
    for title in () if mum is None else (mum.head.display_name, mum.head.description):
        if title and (told := class_of_title(title)) is not None:
            return told[0], f"its title has the words {told[1]!r}"
    return None


def _by_release_type(mum: Mum | None) -> tuple[str, str] | None:
    release_type = None if mum is None else mum.head.release_type
    word = class_of_release_type(release_type) if release_type else None
    return None if word is None else (word, f"its release type is {release_type}")
