"""What was read of one update package: the record that conclusions about packages rest on."""

from dataclasses import dataclass, field

from buildlab.evidence.fact import Gap
from buildlab.evidence.legacy_package import LegacyPackage
from buildlab.readers.manifest import ComponentManifest
from buildlab.readers.mum import Mum as Mum
from buildlab.readers.package_properties import PackageProperties
from buildlab.readers.signature import SignatureCheck as SignatureCheck
from buildlab.readers.unattend import UnattendPackage
from buildlab.sources.container import TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageManifest:
    """A package manifest and the name of its file."""

    file: str
    mum: Mum


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreManifest:
    """A component's manifest and the name of its file, which is the key form of its identity."""

    file: str
    manifest: ComponentManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFile:
    """A kernel that the package carries: its path inside, and what its header and version resource say.

    `machine` is the number in the PE header; `version` and `version_text` are None where it has no version resource.
    """

    path: str
    machine: int
    version: str | None
    version_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRecord:
    """A catalogue of the package: how many members it lists, by which digests, and the state of its signature."""

    file: str
    members: int
    algorithms: tuple[str, ...]
    signature: SignatureCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadCount:
    """Distinct files: as many as are stated, those that could be made, those with the stated hash, and those that
    could not be made exactly."""

    stated: int
    reconstructed: int
    hash_matched: int
    not_exact: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageContent:
    """One package file, or one package inside another. `path` has ``!`` before each file inside a file.

    `files` counts the members of the innermost container, `unsafe_names` are those of them that would leave a folder
    they were extracted to, `mismatches` the files whose content is not the stated one, `uncovered` the manifests that
    no catalogue of the package lists.
    """

    path: str
    container: TargetKind
    size: int
    sha256: str | None = None
    sha1: str | None = None
    manifests: tuple[PackageManifest, ...] = ()
    components: tuple[StoreManifest, ...] = ()
    properties: PackageProperties | None = None
    legacy: LegacyPackage | None = None
    installs: tuple[UnattendPackage, ...] = ()
    kernels: tuple[KernelFile, ...] = ()
    files: int = 0
    payload: PayloadCount | None = None
    mismatches: tuple[str, ...] = ()
    unsafe_names: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()
    signature: SignatureCheck | None = None
    catalogues: tuple[CatalogRecord, ...] = ()
    inner: tuple["PackageContent", ...] = ()
    gaps: tuple[Gap, ...] = field(default=())
