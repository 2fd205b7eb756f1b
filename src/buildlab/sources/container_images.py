"""Container images and single layers of them, as folders or archives, opened as layered trees."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from buildlab.errors import BuildlabError, MissingParentError, PathNotFoundError, UnknownFormatError
from buildlab.limits import Limits
from buildlab.sources.byte_sources import is_folder
from buildlab.sources.container import ImagePart, Opened, Probe
from buildlab.sources.folder_tree import FolderTree
from buildlab.sources.image_folder import OCI_INDEX, names_in
from buildlab.sources.image_manifest import (
    DOCKER,
    ImageDescription,
    LayerReference,
    describe_images,
)
from buildlab.sources.layered_tree import Layer, LayeredTree
from buildlab.sources.open_files import OpenFiles
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.tar_tree import TarTree
from buildlab.sources.tree import Tree
from buildlab.windows.path import fold_name, split_path

FILES, HIVES = "Files", "Hives"
_CHAIN = "layerchain.json"
_TOMBSTONES = "tombstones.txt"
_DELTAS = ("Software_Delta", "System_Delta")
_BASES = ("Files/Windows/System32/config/SOFTWARE", "Hives/Software_Base")


def open_image(probe: Probe, limits: Limits) -> Opened:
    """The images of an archive or layout, or the one layer that the target is, upon those that it builds on."""
    tree = _tree_of(probe.path, probe.files, limits) if probe.source is None else TarTree(probe.source, limits)
    if tree.entry(DOCKER) is not None or tree.entry(OCI_INDEX) is not None:
        return _open_images(tree, limits)
    tops = {fold_name(entry.name) for entry in tree.entries("/")}
    if not tops & {"FILES", "HIVES", "UTILITYVM"}:
        if tree.damage:
            raise tree.damage[0]
        raise UnknownFormatError(
            "an archive or folder that is neither a container image nor a layer of one",
            path=str(probe.path),
            hint="an image has manifest.json or index.json, a layer Files or Hives",
        )
    parents = [_parent(path, probe, limits) for path in _parent_paths(probe)]
    layers = [*reversed(parents), Layer(name=probe.path.name, tree=tree)]
    merged = LayeredTree(layers, limits)
    return Opened(tree=merged, damage=_missing_parent(merged))


def _open_images(tree: Tree, limits: Limits) -> Opened:
    images, errors = describe_images(tree, limits)
    opened: dict[str, Layer] = {}
    parts = tuple(
        ImagePart(
            number=number,
            name=image.names[0],
            aliases=image.names[1:],
            claim=image.claim,
            passed_over=None if image.system in (None, "windows") else f"an image for {image.system}",
            open=_opener(tree, image, opened, limits),
        )
        for number, image in enumerate(images, start=1)
    )
    return Opened(images=parts, damage=(*tree.damage, *errors), verify=partial(_verify, images, tree, opened, limits))


def _verify(
    images: list[ImageDescription], tree: Tree, opened: dict[str, Layer], limits: Limits
) -> tuple[SourceCheck, ...]:
    """Compare every layer with its digest; FormatError for the first that has another."""
    for image in images:
        _merged(tree, image, opened, limits)
    for layer in opened.values():
        if isinstance(layer.tree, TarTree):
            try:
                layer.tree.verify()
            except BuildlabError as error:
                error.path = error.path or f"layer {layer.name}"
                raise
    return ()


def _opener(tree: Tree, image: ImageDescription, opened: dict[str, Layer], limits: Limits) -> Callable[[], Tree]:
    return partial(_merged, tree, image, opened, limits)


def _merged(tree: Tree, image: ImageDescription, opened: dict[str, Layer], limits: Limits) -> Tree:
    """The tree of one image. A layer that several images share is opened once."""
    for reference in image.layers:
        if reference.name not in opened:
            opened[reference.name] = _layer(tree, reference, limits)
    return LayeredTree([opened[reference.name] for reference in image.layers], limits)


def _layer(tree: Tree, reference: LayerReference, limits: Limits) -> Layer:
    try:
        if tree.entry(reference.path) is None:
            whence = f"; it comes from {reference.urls[0]}" if reference.urls else ""
            raise PathNotFoundError(
                f"the layer {reference.name} is not with the image{whence}",
                hint="save the image with all its layers, foreign ones too",
            )
        source = tree.open(reference.path)
        return Layer(name=reference.name, tree=TarTree(source, limits, (reference.stored, reference.content)))
    except BuildlabError as error:
        error.path = error.path or reference.path
        return Layer(name=reference.name, error=error)


def _parent_paths(probe: Probe) -> list[Path]:
    """The layers below, the nearest first: those that the user named, or those of ``layerchain.json`` beside this."""
    if probe.parents or probe.source is not None:
        return list(probe.parents)
    names = names_in(probe.path)
    if _CHAIN.upper() not in names:
        return []
    with probe.files.open(probe.path / names[_CHAIN.upper()]) as file:
        raw = file.read_at(0, 1 << 20)
    try:
        chain = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    beside = names_in(probe.path.parent)
    stated = [split_path(text)[-1:] for text in chain if isinstance(text, str)] if isinstance(chain, list) else []
    found = [beside.get(fold_name(name[0])) for name in stated if name]
    return [probe.path.parent / name for name in found if name is not None and name != probe.path.name]


def _parent(path: Path, probe: Probe, limits: Limits) -> Layer:
    try:
        return Layer(name=path.name, tree=_tree_of(path, probe.files, limits))
    except BuildlabError as error:
        return Layer(name=path.name, error=error)


def _tree_of(path: Path, files: OpenFiles, limits: Limits) -> Tree:
    return FolderTree(path, limits) if is_folder(path) else TarTree(files.open(path), limits)


def _missing_parent(tree: LayeredTree) -> tuple[BuildlabError, ...]:
    """The error of a layer that changes a registry which is not there."""
    changes = any(tree.entry(f"{HIVES}/{name}") is not None for name in _DELTAS)
    if not changes or any(tree.entry(path) is not None for path in _BASES):
        return ()
    return (
        MissingParentError(
            "the layer builds on others that were not given; only what it changes is known",
            hint="give them with --parent, the nearest first and the base layer last",
        ),
    )
