"""Windows media, and installed Windows: where in them images lie."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from buildlab.errors import BuildlabError, PathNotFoundError, UnknownFormatError
from buildlab.limits import Limits
from buildlab.sources.container import ImagePart, Opened, Probe, choose_container, open_container
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.tree import Tree
from buildlab.windows.path import join_path

IMAGES = ("sources/install.wim", "sources/install.esd", "sources/install.swm", "sources/boot.wim")
"""Where setup looks for what it installs, and for the Windows PE that it runs in."""
UPGRADE_FOLDERS = ("$WINDOWS.~BT", "$WINDOWS.~LS")
RECOVERY_IMAGE = "System32/Recovery/Winre.wim"
"""Below a Windows folder: the recovery environment, where no partition of its own holds it."""
_ON_VOLUME = (
    "Recovery/WindowsRE/Winre.wim",
    *(f"{folder}/{image}" for folder in UPGRADE_FOLDERS for image in ("Sources/SafeOS/winre.wim", *IMAGES)),
)
"""On a volume: the recovery environment, and what an upgrade under way has laid out."""


def open_inner(probe: Probe, opened: Opened, path: str, limits: Limits) -> tuple[Probe, Opened]:
    """Open a container that lies at `path` in the tree of another."""
    if opened.tree is None:
        raise UnknownFormatError("only a medium or a folder has files inside that can be named", path=str(probe.path))
    if opened.tree.entry(path) is None:
        raise PathNotFoundError("no such file inside", path=f"{probe.path}!{path}")
    inner = Probe(Path(path), opened.tree.open(path), files=probe.files, parents=probe.parents, tree=opened.tree)
    return inner, open_container(choose_container(inner), inner, limits)


def images_on_medium(probe: Probe, tree: Tree, limits: Limits) -> Opened:
    """The images in the places where Windows media have them, numbered through, and what is wrong with the others.

    A medium without any keeps its own tree.
    """
    opened = _images_at(IMAGES, "{path} image {number}", probe, tree, limits)
    return opened if opened.images or opened.damage else replace(opened, tree=tree)


def images_on_volume(tree: Tree, roots: Iterable[str], limits: Limits) -> Opened:
    """The images that lie on a volume with these Windows folders, as `images_on_medium`; without its tree."""
    paths = (*(join_path(root, RECOVERY_IMAGE) for root in roots), *(join_path(path) for path in _ON_VOLUME))
    return _images_at(paths, "{path}!image {number}", Probe(Path("/"), None, tree=tree), tree, limits)


def _images_at(paths: Iterable[str], location: str, probe: Probe, tree: Tree, limits: Limits) -> Opened:
    """The images in the containers at `paths`, with the damage and the checks of all these containers."""
    images: list[ImagePart] = []
    damage: list[BuildlabError] = []
    checks: list[SourceCheck] = []
    verifiers: list[Callable[[], tuple[SourceCheck, ...]]] = []
    for path in paths:
        try:
            if tree.entry(path) is None:
                continue
            _, inner = open_inner(probe, Opened(tree=tree), path, limits)
        except BuildlabError as error:
            error.path = path
            damage.append(error)
            continue
        damage += inner.damage
        checks += inner.checks
        if inner.verify is not None:
            verifiers.append(inner.verify)
        for image in inner.images:
            called = location.format(path=path, number=image.number)
            images.append(replace(image, number=len(images) + 1, location=called))
    return Opened(
        images=tuple(images),
        damage=tuple(damage),
        checks=tuple(checks),
        verify=(lambda: tuple(check for verify in verifiers for check in verify())) if verifiers else None,
    )
