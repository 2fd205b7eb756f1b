"""The result of reading update packages. The JSON form is this model, field by field."""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Gap
from buildlab.results.scan import ArchitectureWord, Classification, Exit, ScanError, Tool
from buildlab.sources.container import TargetKind

Branch = Literal["GDR", "LDR"]
KbSource = Literal["package-name", "manifest", "package-properties", "update-inf", "file-name"]
Verification = Literal["valid", "invalid", "unsigned", "not-checked"]
FindingKind = Literal[
    "name-states-other-kb",
    "name-states-other-architecture",
    "name-states-other-hash",
    "name-states-other-windows",
    "properties-disagree",
    "unsafe-member-name",
    "hash-mismatch",
    "not-covered-by-catalogue",
]
RelationKind = Literal[
    "duplicate",
    "same-kb-other-version",
    "supersedes",
    "mixed-architectures",
    "missing-servicing-stack",
    "missing-checkpoint",
    "missing-prerequisite",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentPackage:
    """A package that must be on the image. Alternatives share the number `any_of`: one of them is enough.

    The compares say how the parts of the version are compared (EQ, GE), None where the manifest does not say.
    """

    name: str
    version: str
    architecture: str
    language: str
    disposition: str | None
    any_of: int
    build_compare: str | None = None
    service_compare: str | None = None
    revision_compare: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageComponent:
    """A component of the component store that the package brings; `branch` where the package tells GDR from LDR."""

    identity: str
    version: str
    branch: Branch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageKernel:
    """A kernel in the package: the version of its file, the text of it, and the lab that the text names."""

    name: str
    version: str
    version_text: str | None
    build_lab: str | None
    architecture: ArchitectureWord | None
    branch: Branch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """How the distinct files of the package came out: as many as it states, those that could be made, those whose hash
    is the stated one, and those that could not be made exactly."""

    stated: int
    reconstructed: int
    hash_matched: int
    not_exact: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSignature:
    """The signature of the package file itself. `reason` says what the word in `verified` rests on.

    `digest` is the algorithm that the signature is made with; `signed_at` the time of the countersignature.
    """

    signed: bool
    digest: str | None = None
    verified: Verification
    reason: str | None = None
    signer: str | None = None
    root: str | None = None
    signed_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSummary:
    """One catalogue in the package: what it covers, with which digests, and what became of its signature."""

    name: str
    members: int
    digest: str | None
    signature: PackageSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFinding:
    """Something about a package that a person should know: a name that lies, a file without its hash."""

    kind: FindingKind
    message: str
    observed: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePackage:
    """One package. `path` is that of the file, with ``!`` before a package inside it; `size` in bytes.

    `files` counts the members of the innermost cabinet, `members` are the packages that its manifest brings, `contains`
    packages in files of their own inside this one. `kernel` is the version of the kernel that it carries.
    """

    path: str
    container: TargetKind
    size: int
    sha256: str | None
    kb: str | None
    kb_source: KbSource | None
    identity: str | None
    architecture: ArchitectureWord | None
    windows: str | None
    language: str | None
    release_type: str | None
    classification: Classification | None
    classification_because: str | None
    title: str | None
    support_url: str | None
    created: str | None
    applies_to: tuple[str, ...]
    parents: tuple[ParentPackage, ...]
    minimum_servicing_stack: str | None
    restart: str | None
    permanent: bool
    offline_capable: str | None
    members: tuple[str, ...]
    components: tuple[PackageComponent, ...]
    kernel: str | None
    kernels: tuple[PackageKernel, ...]
    files: int
    payload: Payload | None
    signature: PackageSignature
    catalogues: tuple[CatalogSummary, ...]
    supersedes: tuple[str, ...]
    contains: tuple["UpdatePackage", ...]
    findings: tuple[PackageFinding, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRelation:
    """How packages of the set stand to each other; `packages` are their paths, the one it is about first."""

    kind: RelationKind
    message: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSet:
    """What the packages are, and what they are to each other. `as_of` is the day on which certificates without a time
    stamp had to be valid."""

    schema: Literal["buildlab.packages/1"]
    tool: Tool
    as_of: str
    packages: tuple[UpdatePackage, ...]
    relations: tuple[PackageRelation, ...]
    errors: tuple[ScanError, ...]
    exit: Exit
