"""The parent of a differencing disk: looked for by name, told by its identifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildlab.errors import BuildlabError, MissingParentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.container import Probe
from buildlab.windows.path import split_path

_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """An opened parent. `damage` is that of its own container, with the path of the file it is about.

    `files` are its own file and those that it consists of. `is_unproved` says that it has no identifier, and was taken
    because the user named it.
    """

    disk: ByteSource
    path: Path
    damage: tuple[BuildlabError, ...]
    files: tuple[Path, ...]
    is_unproved: bool = False


def shown_name(stated: str) -> str:
    """The last name of a stated path, as it may stand in a message."""
    return repr("".join(split_path(stated)[-1:])[:_SHOWN])


def open_identified_parent(
    probe: Probe,
    limits: Limits,
    *,
    child: str,
    stated: Sequence[str],
    wanted: str,
    identify: Callable[[Path], str | None],
    nameless: str | None = None,
) -> Parent:
    """Open the parent of the disk that is probed: the candidate whose identifier is `wanted`.

    `identify` gives the identifier of a file without opening parents of its own, and None for a file that cannot be
    a parent; `nameless` is the identifier that says nothing, and a disk with it is taken only if the user named it.
    `child` says in errors what the disk is. MissingParentError where no candidate is the one.
    """
    seen: list[str] = []
    without_identity: list[Path] = []
    for path in probe.parent_candidates(stated):
        try:
            identity = identify(path)
        except BuildlabError as error:
            seen.append(f"{path.name!r}: {error.message}")
            continue
        if identity is not None and identity == nameless:
            without_identity.append(path)
            seen.append(f"{path.name!r} has no identifier")
        elif identity == wanted:
            return _open(probe, limits, path, is_unproved=False)
        else:
            seen.append(f"{path.name!r} is " + ("no such disk" if identity is None else identity))
    for path in without_identity:
        if path in probe.parents:
            return _open(probe, limits, path, is_unproved=True)
    names = " or ".join(dict.fromkeys(map(shown_name, stated))) or "a disk whose name it does not state"
    found = f"; {', '.join(seen)}" if seen else ", which is not beside it"
    if without_identity:
        hint = "if that is the right disk, name it with --parent"
    else:
        hint = "lay the parent beside it, or name it with --parent"
    raise MissingParentError(f"{child} needs its parent {wanted}, {names}{found}", path=str(probe.path), hint=hint)


def _open(probe: Probe, limits: Limits, path: Path, *, is_unproved: bool) -> Parent:
    opened = probe.open_parent(path, limits)
    if opened.disk is None:
        raise MissingParentError("the parent is no disk", path=str(path))
    for error in opened.damage:
        error.path = error.path or str(path)
    return Parent(disk=opened.disk, path=path, damage=opened.damage, files=opened.files, is_unproved=is_unproved)
