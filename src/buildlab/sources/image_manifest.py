"""Descriptions of container images: ``manifest.json`` of `docker save`, and the image layout of the OCI.

After the OCI image specification 1.1 (layout, index, manifest, configuration) and the format of docker archives. A
description is read through a tree, be it a folder or an archive; every file of JSON is compared with its digest.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.image_claim import ImageClaim
from buildlab.sources.image_folder import OCI_INDEX
from buildlab.sources.tree import Tree
from buildlab.windows.architecture import from_registry_word

DOCKER = "manifest.json"
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")
_ARCHITECTURES = {"386": "x86"}
_FORMAT = "container-image"

Json = dict[str, Any]
_Entry = tuple[str, Json, tuple[str, ...]]
"""Which kind of archive lists an image, what it lists, and the names that it gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReference:
    """One layer of an image. `name` is its digest, or its path where none is stated; `path` its place in the tree.

    `stored` and `content` are the SHA-256 that were stated of it as stored and after decompression; `urls` say where
    one comes from that need not be with the image.
    """

    name: str
    path: str
    stored: str | None = None
    content: str | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDescription:
    """One image: its names (tags, digest), the operating system that it is for, and its layers from the base up."""

    names: tuple[str, ...]
    system: str | None
    claim: ImageClaim | None
    layers: tuple[LayerReference, ...]


def describe_images(tree: Tree, limits: Limits) -> tuple[list[ImageDescription], list[BuildlabError]]:
    """The images that the tree holds, and what keeps others from being read.

    FormatError where the list of images itself cannot be read.
    """
    if tree.entry(DOCKER) is not None:
        listed = _parse(tree.read(DOCKER, limits.container_manifest_bytes), DOCKER, list)
        entries: list[_Entry] = [("docker", _object(one, DOCKER), ()) for one in listed[: limits.container_images + 1]]
    else:
        entries = _manifests(tree, limits)
    found: list[ImageDescription] = []
    errors: list[BuildlabError] = []
    if len(entries) > limits.container_images:
        errors.append(LimitExceededError(f"more than {limits.container_images} images; the others are left out"))
    for number, (shape, entry, names) in enumerate(entries[: limits.container_images], start=1):
        try:
            describe = _docker_image if shape == "docker" else _oci_image
            found.append(describe(tree, entry, names, number, limits))
        except BuildlabError as error:
            error.path = error.path or f"image {number}"
            errors.append(error)
    return found, errors


def _manifests(tree: Tree, limits: Limits) -> list[_Entry]:
    """Descriptors of the manifests that the index lists, with their names; an index may list others."""
    top = _parse(tree.read(OCI_INDEX, limits.container_manifest_bytes), OCI_INDEX, dict)
    found: list[_Entry] = []
    waiting: list[tuple[Json, tuple[str, ...]]] = [
        (_object(one, OCI_INDEX), ()) for one in _list(top, "manifests", OCI_INDEX)
    ]
    seen: set[str] = set()
    while waiting and len(found) <= limits.container_images:
        descriptor, inherited = waiting.pop(0)
        annotations = descriptor.get("annotations")
        own = tuple(
            name for key in _NAMES if isinstance(annotations, dict) and isinstance(name := annotations.get(key), str)
        )
        names: tuple[str, ...] = (*inherited, *own)
        digest = _text(descriptor, "digest", OCI_INDEX)
        kind = descriptor.get("mediaType")
        if isinstance(kind, str) and ("image.index" in kind or "manifest.list" in kind):
            if digest in seen or len(seen) >= limits.container_images:
                raise FormatError(_FORMAT, f"the index {digest} is listed twice, or there are too many")
            seen.add(digest)
            inner = _parse(_blob(tree, descriptor, limits), digest, dict)
            waiting += [(_object(entry, digest), names) for entry in _list(inner, "manifests", digest)]
            continue
        found.append(("oci", descriptor, names))
    return found


def _docker_image(tree: Tree, entry: Json, names: tuple[str, ...], number: int, limits: Limits) -> ImageDescription:
    path = _text(entry, "Config", DOCKER)
    raw = tree.read(path, limits.container_manifest_bytes)
    stated = re.search(r"([0-9a-f]{64})(\.json)?$", path)
    if stated:
        _compare(raw, stated[1], path)
    config = _parse(raw, path, dict)
    tags = [tag for tag in entry.get("RepoTags") or () if isinstance(tag, str)]
    contents = _content_digests(config, path)
    sources = entry.get("LayerSources")
    layers: list[LayerReference] = []
    for position, place in enumerate(_list(entry, "Layers", DOCKER)):
        if not isinstance(place, str):
            raise FormatError(_FORMAT, "the path of a layer is no text", path=DOCKER)
        content = contents[position] if position < len(contents) else None
        source = sources.get(f"sha256:{content}") if isinstance(sources, dict) else None
        layers.append(
            LayerReference(
                name=place if content is None else f"sha256:{content}",
                path=place,
                stored=_stated_by_path(place),
                content=content,
                urls=_urls(source) if isinstance(source, dict) else (),
            )
        )
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return _image((*tags, digest), config, path, number, layers, limits)


def _oci_image(tree: Tree, entry: Json, names: tuple[str, ...], number: int, limits: Limits) -> ImageDescription:
    digest = _text(entry, "digest", OCI_INDEX)
    manifest = _parse(_blob(tree, entry, limits), digest, dict)
    descriptor = _object(manifest.get("config"), digest)
    path = _blob_path(_text(descriptor, "digest", digest))
    config = _parse(_blob(tree, descriptor, limits), path, dict)
    contents = _content_digests(config, path)
    layers: list[LayerReference] = []
    for position, item in enumerate(_list(manifest, "layers", digest)):
        layer = _object(item, digest)
        name = _text(layer, "digest", digest)
        layers.append(
            LayerReference(
                name=name,
                path=_blob_path(name),
                stored=name.removeprefix("sha256:"),
                content=contents[position] if position < len(contents) else None,
                urls=_urls(layer),
            )
        )
    return _image((*names, digest), config, path, number, layers, limits)


def _image(
    names: tuple[str, ...], config: Json, path: str, number: int, layers: list[LayerReference], limits: Limits
) -> ImageDescription:
    if len(layers) > limits.container_layers:
        raise LimitExceededError(f"an image of {len(layers)} layers", path=path)
    system = config.get("os")
    return ImageDescription(
        names=tuple(dict.fromkeys(names)),
        system=system if isinstance(system, str) else None,
        claim=_claim(config, path, number, names[0]),
        layers=tuple(layers),
    )


def _claim(config: Json, path: str, number: int, name: str) -> ImageClaim:
    version, architecture = config.get("os.version"), config.get("architecture")
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    major, minor, build, revision = (
        (None if text is None else int(text) for text in match.groups()) if match else (None,) * 4
    )
    word = _ARCHITECTURES.get(architecture, architecture) if isinstance(architecture, str) else ""
    return ImageClaim(
        index=number,
        name=name,
        edition=None,
        installation_type=None,
        architecture=from_registry_word(word),
        major=major,
        minor=minor,
        build=build,
        spbuild=revision,
        path=path,
        method="container-config",
    )


def _content_digests(config: Json, path: str) -> list[str]:
    """The SHA-256 of each layer after decompression, as far as the configuration states them."""
    file_system = config.get("rootfs")
    stated = file_system.get("diff_ids") if isinstance(file_system, dict) else None
    found = [_DIGEST.fullmatch(text) for text in stated or () if isinstance(text, str)]
    if not isinstance(stated, list) or len(found) != len(stated):
        return []
    return [match[1] if match else "" for match in found]


def _urls(descriptor: Json) -> tuple[str, ...]:
    urls = descriptor.get("urls")
    return tuple(url for url in urls if isinstance(url, str)) if isinstance(urls, list) else ()


def _blob(tree: Tree, descriptor: Json, limits: Limits) -> bytes:
    digest = _text(descriptor, "digest", OCI_INDEX)
    path = _blob_path(digest)
    raw = tree.read(path, limits.container_manifest_bytes)
    _compare(raw, digest.removeprefix("sha256:"), path)
    return raw


def _blob_path(digest: str) -> str:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise FormatError(_FORMAT, f"{digest[:100]!r} is no SHA-256 digest")
    return f"blobs/sha256/{match[1]}"


def _stated_by_path(path: str) -> str | None:
    """The digest that a docker archive's layer has for a name, where it is one by content (``blobs/sha256/…``)."""
    match = re.fullmatch(r"blobs/sha256/([0-9a-f]{64})", path)
    return match[1] if match else None


def _compare(raw: bytes, expected: str, path: str) -> None:
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise FormatError(_FORMAT, f"its SHA-256 is {found}, not the stated {expected}", path=path)


def _parse(raw: bytes, path: str, shape: type[Any]) -> Any:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FormatError(_FORMAT, f"no JSON: {str(error)[:200]}", path=path) from error
    if not isinstance(value, shape):
        raise FormatError(_FORMAT, f"JSON of another shape than the format has: no {shape.__name__}", path=path)
    return value


def _object(value: object, path: str) -> Json:
    if not isinstance(value, dict):
        raise FormatError(_FORMAT, "JSON of another shape than the format has: no object", path=path)
    return value


def _list(value: Json, key: str, path: str) -> list[Any]:
    found = value.get(key)
    if not isinstance(found, list):
        raise FormatError(_FORMAT, f"{key!r} is no list", path=path)
    return found


def _text(value: Json, key: str, path: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise FormatError(_FORMAT, f"{key!r} is no text", path=path)
    return found
