"""Checks made of nothing: what reports are given, without an image or a package."""

from dataclasses import replace
from typing import Any

from buildlab.evidence.fact import Fact, Place
from buildlab.results.check import (
    BundlePackage,
    BundleVerdict,
    Check,
    Finding,
    FindingOutcome,
    MissingUpdate,
    PlanStep,
    Prediction,
    Severity,
)
from buildlab.results.scan import Exit, ScanError, Tool
from tests.checks.makers import image

HOSTILE = "a\nb\x00\x1b[2J\u202e\ud800\ufffe <x>&\"' |`*_#1 @team [l](http://e) ]]>"
"""Line breaks, control characters, half a surrogate pair, and marks of XML, Markdown and of forges."""

EXITS = {0: "done", 1: "policy", 3: "unreadable", 4: "partial"}


def finding(rule: str = "R2", outcome: FindingOutcome = "fail", severity: Severity = "block", **fields: Any) -> Finding:
    told: dict[str, Any] = {"id": "F1", "message": f"{rule} {outcome}", **fields}
    return Finding(rule=rule, outcome=outcome, severity=severity, **told)


def package(path: str, kb: str | None = None, verdict: BundleVerdict = "applicable", **fields: Any) -> BundlePackage:
    told: dict[str, Any] = {
        "path": path,
        "kb": kb,
        "identity": None,
        "verdict": verdict,
        "order": 1 if verdict in ("applicable", "blocked") else None,
        "reboot_after": False,
        "estimated": False,
        "because": (f"why it is {verdict}",),
        "findings": (),
    }
    return BundlePackage(**{**told, **fields})


def made(*findings: Finding, code: int = 0, **fields: Any) -> Check:
    """A check of an image of build 6003 with an exit code; `fields` replace any other."""
    found = Check(
        schema="buildlab.check/1",
        tool=Tool(name="buildlab", version="0.1.0", knowledge="2026-11-20"),
        as_of="2026-11-21",
        target="disk.vhd",
        location="partition 2:/Windows",
        image=image("6.0.6003.20489").identity,
        bundle=(),
        plan=(),
        missing=(),
        smallest=(),
        predicted=Prediction(
            build=6003,
            revision=20562,
            build_lab="vistasp2_ldr_escrow.190801-1700",
            servicing_stack="6.0.6003.20555",
            confidence="estimated",
            because=(),
        ),
        findings=tuple(replace(one, id=f"F{number}") for number, one in enumerate(findings, start=1)),
        facts=(),
        errors=(),
        exit=Exit(code=code, reason=EXITS[code]),  # type: ignore[arg-type]
    )
    return replace(found, **fields)


def full() -> Check:
    """A check in which everything that a report may show occurs once."""
    return made(
        finding("R21", "fail", "warn", message="two versions", packages=("b/one.msu", "b/two.msu")),
        finding("R2", "fail", message="wrong architecture", packages=("b/x86.msu",), remedy="take the other"),
        finding("R15", "unknown", message="no list", observed="nothing", expected="a list"),
        finding("R4", "fail", message="no SHA-2", waived_by="tested in the laboratory"),
        finding("R1", "pass", message="service pack is there", evidence=("f1", "f9")),
        finding("R11", "not-applicable", message="no Itanium"),
        finding("P1", "fail", "info", message="KB1234567 is not there"),
        code=1,
        bundle=(
            package("b/one.msu", "KB4474419", reboot_after=True),
            package("b/two.msu", "KB4493471", "blocked", because=("R4: no SHA-2 support",)),
            package("b/x86.msu", "KB4493471", "not-applicable"),
            package("b/nameless.cab", None, "missing-prerequisite"),
        ),
        plan=(
            PlanStep(step=1, action="install", package="b/one.msu", why="sha2: it fits"),
            PlanStep(step=2, action="restart", package=None, why="KB4474419 asks for it"),
            PlanStep(step=3, action="install", package="b/two.msu", why="monthly-rollup: it fits"),
            PlanStep(step=4, action="skip", package="b/x86.msu", why="not-applicable: x86"),
            PlanStep(step=5, action="skip", package="b/nameless.cab", why="missing-prerequisite: a parent"),
        ),
        missing=(MissingUpdate(kb="KB948465", needed_by="b/nameless.cab", why="service pack 2"),),
        smallest=("b/two.msu",),
        facts=(
            Fact(id="f1", subject="kernel.file_version", value="6.0.6003.20489", source=Place(path="/k", method="m")),
        ),
        errors=(ScanError(kind="unknown-format", message="no package", path="b/notes.txt", hint="give another"),),
    )


def hostile() -> Check:
    """A check whose every text is hostile."""
    return made(
        *(
            finding("R2", outcome, "block", message=HOSTILE, remedy=HOSTILE, packages=(HOSTILE,), waived_by=waived)
            for outcome in ("fail", "unknown", "pass", "not-applicable")
            for waived in (None, HOSTILE)
        ),
        code=4,
        target=HOSTILE,
        location=HOSTILE,
        image=replace(image("6.0.6003.20489").identity, product=HOSTILE),
        bundle=(
            package(HOSTILE, None, "blocked", because=(HOSTILE,)),
            package("b/fine.msu", "KB1", because=(HOSTILE,)),
        ),
        plan=(
            PlanStep(step=1, action="install", package=HOSTILE, why=HOSTILE),
            PlanStep(step=2, action="restart", package=None, why=HOSTILE),
        ),
        missing=(MissingUpdate(kb=None, needed_by=HOSTILE, why=HOSTILE),),
        smallest=(HOSTILE,),
        errors=(ScanError(kind="damaged", message=HOSTILE, path=HOSTILE, hint=HOSTILE),),
    )


def large(count: int) -> Check:
    """A check of a bundle of so many packages, each with a finding."""
    paths = [f"folder/windows6.0-kb{5_000_000 + number}-x64.msu" for number in range(count)]
    return made(
        *(finding("R2", "fail", message="wrong architecture " * 30, packages=(path,)) for path in paths),
        code=1,
        bundle=tuple(package(path, f"KB{5_000_000 + number}") for number, path in enumerate(paths)),
        plan=tuple(
            PlanStep(step=number, action="install", package=path, why="it fits") for number, path in enumerate(paths, 1)
        ),
        missing=tuple(MissingUpdate(kb=None, needed_by=path, why="something") for path in paths),
        errors=tuple(ScanError(kind="damaged", message="broken", path=path) for path in paths),
    )
