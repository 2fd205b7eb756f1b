"""Backing files: parents of disks that only a name identifies."""

from pathlib import Path

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    MissingParentError,
    UnknownFormatError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.sources.container import Opened, Probe
from buildlab.sources.open_files import beside
from buildlab.windows.path import fold_name, split_path


def open_backing(probe: Probe, limits: Limits, name: str, stated_format: str | None) -> Opened:
    """The backing file of what is probed, as a disk; its `files` begin with its own.

    It is read as raw where `stated_format` is "raw", whatever it looks like (a guest can write any content into its
    raw disk), and where no format is stated and its content is none that is known; else as what its content is.
    MissingParentError where there is none, FormatError for a chain that comes back to itself.
    """
    path = _backing_path(probe, name)
    try:
        if stated_format == "raw":
            return _open_raw(probe, path, limits)
        try:
            opened = probe.open_parent(path, limits)
        except UnsupportedContentError:
            raise
        except UnknownFormatError:
            if stated_format is not None:
                raise
            return _open_raw(probe, path, limits)
        if opened.disk is None:
            raise MissingParentError("the backing file is no disk")
    except BuildlabError as error:
        error.path = error.path or str(path)
        raise
    for damage in opened.damage:
        damage.path = damage.path or str(path)
    return opened


def _backing_path(probe: Probe, name: str) -> Path:
    """A file given by the user that has the stated name, else the one beside that has it, else the first other file
    given that is not in the chain yet. A name that is a description (``json:``) is not looked into."""
    stated = "" if name.startswith("json:") else name.removeprefix("file:")
    last = fold_name((split_path(stated) or ("",))[-1])
    chain = {*probe.chain, probe.path.resolve()}
    given = [path for path in probe.parents if path.resolve() not in chain]
    neighbour = None if probe.tree is not None else beside(probe.path, stated)
    candidates = [path for path in given if fold_name(path.name) == last]
    candidates += [*([] if neighbour is None else [neighbour]), *given]
    if not candidates:
        raise MissingParentError(
            f"the disk builds on the backing file {name!r}, which is missing",
            path=str(probe.path),
            hint="lay it beside this file, or name it with --parent",
        )
    return candidates[0]


def _open_raw(probe: Probe, path: Path, limits: Limits) -> Opened:
    chain = (*probe.chain, probe.path.resolve())
    if path.resolve() in chain:
        raise FormatError("disk", "the chain of backing files leads back to itself")
    if len(chain) > limits.parent_chain:
        raise LimitExceededError(f"a chain of more than {limits.parent_chain} parents")
    return Opened(disk=probe.files.open(path), files=(path,))
