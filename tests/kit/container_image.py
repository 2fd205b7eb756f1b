"""Container images of Windows: layers as tar archives, archives of `docker save`, image layouts of the OCI.

After the OCI image specification and the shape of what Docker writes; other programs (GNU tar, skopeo, umoci) read the
results in `tests/sources/containers/test_container_layer.py`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LAYER = "application/vnd.oci.image.layer.v1.tar"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
NAME = "org.opencontainers.image.ref.name"


def tar_bytes(
    files: Mapping[str, bytes], *, links: Mapping[str, str] | None = None, format: int = tarfile.PAX_FORMAT
) -> bytes:
    """An archive of files, and hard links by the name of their target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            archive.addfile(member)
    return out.getvalue()


def as_layer(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a volume in the places that they have in a layer."""
    return {f"Files/{path}": data for path, data in files.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image: tags, layers from the base up (None: foreign, not with the image), and what its configuration says."""

    tags: Sequence[str]
    layers: Sequence[bytes | None]
    version: str | None = "10.0.19041.3803"
    system: str = "windows"
    architecture: str = "amd64"

    def config(self) -> bytes:
        """The configuration in JSON."""
        content: dict[str, Any] = {
            "architecture": self.architecture,
            "os": self.system,
            "rootfs": {"type": "layers", "diff_ids": [digest(layer or b"foreign") for layer in self.layers]},
            "config": {},
        }
        if self.version is not None:
            content["os.version"] = self.version
        return _json(content)


def digest(data: bytes) -> str:
    """A digest as images state it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def docker_archive(images: Sequence[Image], **changes: bytes) -> bytes:
    """What `docker save` writes (before version 25); `changes` replaces members whose names end so."""
    files: dict[str, bytes] = {}
    listed: list[dict[str, Any]] = []
    for image in images:
        config = image.config()
        name = digest(config).removeprefix("sha256:") + ".json"
        files[name] = config
        places = []
        for layer in image.layers:
            place = f"{digest(layer or b'foreign').removeprefix('sha256:')}/layer.tar"
            places.append(place)
            if layer is not None:
                files[place] = layer
        listed.append({"Config": name, "RepoTags": list(image.tags), "Layers": places})
    files["manifest.json"] = _json(listed)
    return tar_bytes({name: changes.get(name.rpartition("/")[2], data) for name, data in files.items()})


def oci_layout(images: Sequence[Image], *, compress: bool = True) -> dict[str, bytes]:
    """The files of an image layout."""
    blobs: list[bytes] = []
    manifests: list[dict[str, Any]] = []
    for image in images:
        layers: list[dict[str, Any]] = []
        for layer in image.layers:
            if layer is None:
                layers.append(_descriptor(b"foreign", FOREIGN) | {"urls": ["https://example.com/base.tar.gz"]})
                continue
            stored = gzip.compress(layer, 6, mtime=0) if compress else layer
            blobs.append(stored)
            layers.append(_descriptor(stored, LAYER + ("+gzip" if compress else "")))
        config = image.config()
        manifest = _json(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": _descriptor(config, CONFIG), "layers": layers}
        )
        blobs += [config, manifest]
        for tag in image.tags or [""]:
            manifests.append(_descriptor(manifest, MANIFEST) | ({"annotations": {NAME: tag}} if tag else {}))
    return {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "manifests": manifests}),
        **{f"blobs/sha256/{digest(blob).removeprefix('sha256:')}": blob for blob in blobs},
    }


def _descriptor(blob: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(blob), "size": len(blob)}


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()
