"""Two installations compared, or two sets of packages: what is on one side and not, or otherwise, on the other."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from buildlab.results.diff import FieldDifference, FileDifference, PackageDifference, UpdateDifference
from buildlab.results.package_set import UpdatePackage
from buildlab.results.scan import Installation
from buildlab.windows.kb import kb_number

_NOT_COMPARED = frozenset({"because", "rule", "servicing_branch_rule", "fact", "path", "source"})
"""Fields that tell where a value is from, and differ between two images that are the same."""
_FILE_VERSION = ".file_version"
_PRESENT = "present"


def compare_identities(a: Installation, b: Installation) -> tuple[FieldDifference, ...]:
    """Identity, servicing stack and pending work, field by field."""
    found: list[FieldDifference] = []
    for name in ("identity", "servicing_stack", "pending"):
        one, other = _flat(getattr(a, name), name), _flat(getattr(b, name), name)
        found += [
            FieldDifference(field=field, a=one.get(field), b=other.get(field))
            for field in dict.fromkeys((*one, *other))
            if one.get(field) != other.get(field)
        ]
    return tuple(found)


def _flat(value: Any, name: str) -> dict[str, str | None]:
    """The leaves of a result by their paths. What is nested is a dataclass or nothing, two levels deep at most."""
    found: dict[str, str | None] = {}
    for field in fields(value):
        if field.name in _NOT_COMPARED:
            continue
        leaf, path = getattr(value, field.name), f"{name}.{field.name}"
        if hasattr(leaf, "__dataclass_fields__"):
            found |= _flat(leaf, path)
        else:
            found[path] = _text(leaf)
    return found


def _text(leaf: object) -> str | None:
    """A value as the scan's document writes it."""
    if leaf is None:
        return None
    if isinstance(leaf, bool):
        return "true" if leaf else "false"
    return str(leaf.value if isinstance(leaf, Enum) else leaf)


def compare_updates(a: Installation, b: Installation) -> tuple[UpdateDifference, ...]:
    """KBs whose state differs, by number."""
    one = {update.kb: str(update.state) for update in a.updates}
    other = {update.kb: str(update.state) for update in b.updates}
    return tuple(
        UpdateDifference(kb=kb, a=one.get(kb), b=other.get(kb)) for kb in sorted(_differing(one, other), key=kb_number)
    )


def compare_packages(a: Installation, b: Installation) -> tuple[PackageDifference, ...]:
    """Packages whose state differs, by identity."""
    one = {package.identity: str(package.state) for package in a.packages}
    other = {package.identity: str(package.state) for package in b.packages}
    return _packages(one, other)


def compare_package_sets(a: Iterable[UpdatePackage], b: Iterable[UpdatePackage]) -> tuple[PackageDifference, ...]:
    """Packages that are in one set only, by identity; one without an identity goes by the name of its file."""
    one, other = ({_named(package): _PRESENT for package in side} for side in (a, b))
    return _packages(one, other)


def _named(package: UpdatePackage) -> str:
    return package.identity or package.path.replace("\\", "/").rpartition("/")[2] or package.path


def compare_files(a: Installation, b: Installation) -> tuple[FileDifference, ...]:
    """Files whose version was read and differs, by path."""
    one, other = _versions(a), _versions(b)
    return tuple(
        FileDifference(path=path, a=one.get(path), b=other.get(path)) for path in sorted(_differing(one, other))
    )


def _versions(installation: Installation) -> dict[str, str]:
    return {fact.source.path: str(fact.value) for fact in installation.facts if fact.subject.endswith(_FILE_VERSION)}


def _packages(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[PackageDifference, ...]:
    """Identities compare without regard to case; they are shown as the first side writes them."""
    spelled = {name.lower(): name for name in (*other, *one)}
    left, right = ({name.lower(): state for name, state in side.items()} for side in (one, other))
    return tuple(
        PackageDifference(identity=spelled[name], a=left.get(name), b=right.get(name))
        for name in sorted(_differing(left, right))
    )


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
