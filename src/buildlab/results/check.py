"""The result of checking a bundle of packages against an image. The JSON form is this model, field by field."""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Fact
from buildlab.results.scan import Exit, Identity, ScanError, Tool

BundleVerdict = Literal[
    "applicable",
    "already-installed",
    "superseded",
    "not-applicable",
    "missing-prerequisite",
    "blocked",
    "unknown",
]
FindingOutcome = Literal["pass", "fail", "unknown", "not-applicable"]
Severity = Literal["block", "warn", "info"]
PlanAction = Literal["install", "restart", "skip"]
Confidence = Literal["stated", "estimated", "unknown"]

_REFUSED: frozenset[BundleVerdict] = frozenset({"not-applicable", "missing-prerequisite", "blocked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePackage:
    """What becomes of one package of the bundle. `order` counts from 1, None where it is not installed; `because` says
    the verdict in sentences, `estimated` that servicing decides by rules which can't be seen from outside."""

    path: str
    kb: str | None
    identity: str | None
    verdict: BundleVerdict
    order: int | None
    reboot_after: bool
    estimated: bool
    because: tuple[str, ...]
    findings: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether it must not be installed, so that the bundle may not be deployed as it is."""
        return self.verdict in _REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One step of the plan; `package` is the path of what is installed or skipped, None for a restart."""

    step: int
    action: PlanAction
    package: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingUpdate:
    """Something that a package of the bundle needs and that neither the image nor the bundle has."""

    kb: str | None
    needed_by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the image will be after the plan."""

    build: int | None
    revision: int | None
    build_lab: str | None
    servicing_stack: str | None
    confidence: Confidence
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one rule. `evidence` are ids of facts of the image, `packages` paths of the bundle."""

    id: str
    rule: str
    outcome: FindingOutcome
    severity: Severity
    message: str
    observed: str | None = None
    expected: str | None = None
    evidence: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    remedy: str | None = None
    waived_by: str | None = None

    @property
    def is_blocking(self) -> bool:
        """A failure, or an unknown, of blocking severity that is not waived."""
        return self.severity == "block" and self.outcome in ("fail", "unknown") and self.waived_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The document of one check. `location` is the installation that was checked, `facts` those that findings cite."""

    schema: Literal["buildlab.check/1"]
    tool: Tool
    as_of: str
    target: str
    location: str | None
    image: Identity | None
    bundle: tuple[BundlePackage, ...]
    plan: tuple[PlanStep, ...]
    missing: tuple[MissingUpdate, ...]
    smallest: tuple[str, ...]
    predicted: Prediction | None
    findings: tuple[Finding, ...]
    facts: tuple[Fact, ...]
    errors: tuple[ScanError, ...]
    exit: Exit
