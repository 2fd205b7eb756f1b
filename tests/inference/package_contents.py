"""Package contents made from manifests that the kit writes, for tests of what is concluded from them."""

from collections.abc import Sequence

from buildlab.evidence.package_content import KernelFile, PackageContent, PackageManifest, StoreManifest
from buildlab.readers.manifest import read_manifest
from buildlab.readers.mum import read_mum
from buildlab.readers.package_properties import read_package_properties
from buildlab.readers.unattend import UnattendPackage
from buildlab.sources.container import TargetKind


def content(
    path: str = "update.cab",
    *,
    container: TargetKind = "cab",
    mums: Sequence[tuple[str, bytes]] = (),
    manifests: Sequence[bytes] = (),
    properties: str | None = None,
    installs: Sequence[UnattendPackage] = (),
    kernels: Sequence[KernelFile] = (),
    inner: Sequence[PackageContent] = (),
    sha1: str | None = None,
) -> PackageContent:
    """One package file with these manifests in it."""
    return PackageContent(
        path=path,
        container=container,
        size=1,
        sha1=sha1,
        manifests=tuple(PackageManifest(file=name, mum=read_mum(data)) for name, data in mums),
        components=tuple(StoreManifest(file="", manifest=read_manifest(data)) for data in manifests),
        properties=None if properties is None else read_package_properties(properties.encode()),
        installs=tuple(installs),
        kernels=tuple(kernels),
        files=len(mums) + len(manifests),
        inner=tuple(inner),
    )
