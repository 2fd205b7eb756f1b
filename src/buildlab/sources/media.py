"""Windows media: where on them the images lie."""

from dataclasses import replace
from pathlib import Path

from buildlab.errors import BuildlabError, PathNotFoundError, UnknownFormatError
from buildlab.limits import Limits
from buildlab.sources.container import ImagePart, Opened, Probe, choose_container, open_container
from buildlab.sources.tree import Tree

IMAGES = ("sources/install.wim", "sources/install.esd", "sources/install.swm", "sources/boot.wim")
"""Where setup looks for what it installs, and for the Windows PE that it runs in."""


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
    found: list[ImagePart] = []
    damage: list[BuildlabError] = []
    for path in IMAGES:
        if tree.entry(path) is None:
            continue
        try:
            _, inner = open_inner(probe, Opened(tree=tree), path, limits)
        except BuildlabError as error:
            error.path = path
            damage.append(error)
            continue
        damage += inner.damage
        for image in inner.images:
            found.append(replace(image, number=len(found) + 1, location=f"{path} image {image.number}"))
    return Opened(tree=None if found or damage else tree, images=tuple(found), damage=tuple(damage))
