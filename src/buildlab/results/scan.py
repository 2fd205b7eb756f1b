"""The result of scanning one target. The JSON form is this model, field by field."""

from dataclasses import dataclass
from typing import Literal

from buildlab.errors import ErrorKind
from buildlab.evidence.fact import Fact, FactValue, Gap, Integrity
from buildlab.results.assessment import Assessment
from buildlab.results.component_store import ComponentStore
from buildlab.results.installation_timeline import InstallationTimeline
from buildlab.sources.container import TargetKind
from buildlab.sources.encryption import VolumeEncryption

InstallationKind = Literal["windows", "winpe", "winre", "windows.old", "container-layer", "hive-only"]
UpdateState = Literal[
    "installed",
    "superseded",
    "install-pending",
    "uninstall-pending",
    "staged",
    "partially-installed",
    "resolved",
    "absent",
    "broken",
    "mixed",
    "resolving",
    "staging",
    "unknown",
]
Classification = Literal[
    "monthly-rollup",
    "security-only",
    "preview",
    "servicing-stack",
    "sha2",
    "esu-preparation",
    "cumulative",
    "dotnet",
    "safe-os",
    "enablement",
    "feature-update",
    "language-pack",
    "feature-on-demand",
    "service-pack",
    "hotfix",
    "driver",
    "other",
]
PackageClass = Literal[
    "update",
    "cumulative",
    "servicing-stack",
    "service-pack",
    "language-pack",
    "feature-on-demand",
    "enablement",
    "edition",
    "feature",
    "other",
]
"""What kind of thing a package is, by its name and its release type; what an update brings is its classification."""
KbSource = Literal["package-name", "manifest", "sessions", "install-location", "install-name", "revision-table"]
KbConfidence = Literal["stated", "associated", "derived"]
"""The package itself or servicing's own log states the number; a path of the installation has it; a table gives it."""
Side = Literal["client", "server", "server-core", "windows-pe"]
Oddity = Literal[
    "name-is-no-identity",
    "name-has-stray-tildes",
    "name-is-too-long",
    "version-is-no-version",
    "identity-occurs-twice",
    "install-time-is-zero",
    "install-time-is-impossible",
    "install-time-is-after-last-change",
    "owned-by-itself-in-a-circle",
]
InstallTimeSource = Literal["InstallTime", "InstalledDate", "key-last-write"]
"""``InstalledDate`` is a day without an hour and a zone."""
VolumeOutcome = Literal["scanned", "no-installation", "passed-over", "failed"]
ArchitectureWord = Literal["x86", "AMD64", "IA-64", "ARM", "ARM64"]
Verdict = Literal["agree", "explained", "conflict", "single-source", "unknown"]
Explanation = Literal[
    "pending-restart", "offline-serviced", "enablement", "stale-metadata", "stale-registry", "unexplained"
]
ExitReason = Literal["done", "policy", "usage", "unreadable", "no-installation", "partial", "internal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What made the result; `knowledge` is the date of the bundled data."""

    name: str
    version: str
    knowledge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFile:
    """One file of a target that consists of several. `size` in bytes; `sha256` where it was asked for."""

    path: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """The target as given. `size` in bytes (0 for a folder), `sha256` where it was asked for: of the file that was
    named. `files` are all files of a target that consists of several (parts, segments, extents, parents), that one
    first."""

    path: str
    kind: TargetKind
    size: int
    sha256: str | None = None
    files: tuple[TargetFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowCopySummary:
    """One shadow copy of a volume. `number` is that of the address (``@shadow1``), the oldest is 1; `created` is UTC;
    `identifier` is the one by which Windows calls it, `store` the one in the name of the file that holds it."""

    number: int
    created: str | None
    identifier: str | None
    store: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSummary:
    """One volume of the target and what became of it; `start` and `size` in bytes.

    `encryption` is there for an encrypted volume that was unlocked; `file_system` is then the one inside. `shadow_copy`
    is the number of the shadow copy that was read instead of the volume itself.
    """

    number: int
    start: int
    size: int
    type: str
    file_system: str | None
    outcome: VolumeOutcome
    reason: str | None = None
    encryption: VolumeEncryption | None = None
    shadow_copies: tuple[ShadowCopySummary, ...] = ()
    shadow_copy: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryIdentity:
    """The values of the registry as they stand there."""

    current_build: str | None
    ubr: int | None
    build_lab: str | None
    build_lab_ex: str | None
    csd_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelIdentity:
    """The kernel on disk; `machine` as ``0x8664``."""

    path: str
    file_version: str | None
    file_version_text: str | None
    machine: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which Windows it is. `because` are the facts that decided the build, `rule` how.

    `lab_date` is local time of the lab and carries no zone; `install_date` is UTC.
    """

    product: str | None
    product_raw: str | None
    edition: str | None
    installation_type: str | None
    product_type: str | None
    version: str | None
    build: int | None
    revision: int | None
    version_full: str | None
    service_pack: str | None
    architecture: ArchitectureWord | None
    build_lab: str | None
    lab: str | None
    lab_date: str | None
    servicing_branch: Literal["GDR", "LDR"] | None
    servicing_branch_rule: str | None
    registry: RegistryIdentity | None
    kernel: KernelIdentity | None
    install_date: str | None
    verdict: Verdict
    because: tuple[str, ...]
    rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicingStack:
    """The servicing stack that is in force, and where that was read."""

    version: str | None
    source: str | None
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One step of an argument, and the facts it rests on."""

    sentence: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One KB. `packages` lists its parents first, then the members; `kb_source` says where the number was found.

    `state_because` argues the state. `superseded_by` are KBs, or package identities where those have none, nearest
    first. `removable` is None where nothing tells. `leftover` marks what a failed installation left behind.
    """

    kb: str
    state: UpdateState
    permanent: bool
    title: str | None
    release_type: str | None
    classification: Classification | None
    installed_at: str | None
    installed_at_source: InstallTimeSource | None
    packages: tuple[str, ...]
    kb_source: str
    because: tuple[str, ...]
    kb_confidence: KbConfidence = "stated"
    package_class: PackageClass = "update"
    state_because: tuple[Reason, ...] = ()
    superseded_by: tuple[str, ...] = ()
    visible: bool = True
    removable: bool | None = None
    restart: str | None = None
    leftover: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package of Component Based Servicing, hidden ones included. `state_code` is a signed DWORD. `manifest` tells
    whether its ``.mum`` is there, None where they were not looked at; `unnamed_update` is True for an update whose name
    has no KB (a cumulative one, say), found elsewhere or not at all.

    `kb_candidates` are the KBs that `revision` may stand for where nothing names one. `parents` are the packages that
    own it or contain it, `twin` the package whose ``_BF`` twin it is, `applies_to` the products it is made for.
    `superseded_by` is the identity of a higher version. `last_error_name` and `last_error_meaning` are None for a code
    that is not known. `leftover` marks what a failed installation left behind.
    """

    identity: str
    name: str
    architecture: str | None
    language: str | None
    version: str | None
    kb: str | None
    state: UpdateState
    state_code: int | None
    visible: bool
    permanent: bool
    release_type: str | None
    install_client: str | None
    install_user: str | None
    install_name: str | None
    installed_at: str | None
    last_error: str | None
    owners: tuple[str, ...]
    unnamed_update: bool
    manifest: bool | None
    fact: str
    kb_source: KbSource | None = None
    kb_confidence: KbConfidence | None = None
    kb_candidates: tuple[str, ...] = ()
    revision: int | None = None
    package_class: PackageClass = "other"
    parents: tuple[str, ...] = ()
    twin: str | None = None
    applies_to: tuple[Side, ...] = ()
    superseded_by: str | None = None
    removable: bool | None = None
    restart: str | None = None
    last_error_name: str | None = None
    last_error_meaning: str | None = None
    leftover: bool = False
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Work begun and not finished. `file_renames` counts operations, deletions included."""

    reboot: bool
    packages: int
    sessions: int
    pending_xml: bool
    file_renames: int
    unserviceable: bool = False
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictValue:
    """One of the values that differ, and the fact that states it."""

    value: FactValue
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Facts that disagree, and the explanation where there is one; `note` is that explanation in a sentence."""

    subject: str
    explanation: Explanation
    note: str
    values: tuple[ConflictValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One Windows found in the target. `assessment` is None where it was not assessed, `component_store` where
    its hive was not read, `timeline` where it was not asked for."""

    location: str
    kind: InstallationKind
    identity: Identity
    servicing_stack: ServicingStack
    updates: tuple[Update, ...]
    packages: tuple[Package, ...]
    pending: Pending
    conflicts: tuple[Conflict, ...]
    facts: tuple[Fact, ...]
    gaps: tuple[Gap, ...]
    integrity: tuple[Integrity, ...]
    assessment: Assessment | None = None
    component_store: ComponentStore | None = None
    timeline: InstallationTimeline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanError:
    """What kept the target, or a part of it, from being read."""

    kind: ErrorKind
    message: str
    path: str | None = None
    offset: int | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The exit code that this result stands for."""

    code: int
    reason: ExitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The document of one target. `as_of` is the day for which it is assessed, ISO 8601."""

    schema: Literal["buildlab.scan/1"]
    tool: Tool
    as_of: str
    target: TargetSummary
    volumes: tuple[VolumeSummary, ...]
    installations: tuple[Installation, ...]
    errors: tuple[ScanError, ...]
    exit: Exit
