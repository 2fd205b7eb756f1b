"""Installations and update packages made of nothing: what a scan and a reading of packages would have concluded."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from buildlab.checks.evaluation import Evaluation, evaluate
from buildlab.checks.policy import NO_POLICY, Policy
from buildlab.evidence.fact import Fact, Place
from buildlab.results.package_set import CatalogSummary as Catalogue
from buildlab.results.package_set import (
    PackageComponent,
    PackageSignature,
    ParentPackage,
    UpdatePackage,
)
from buildlab.results.scan import (
    Identity,
    Installation,
    Package,
    Pending,
    ServicingStack,
    Update,
    UpdateState,
)

TOKEN = "31bf3856ad364e35"
AS_OF = date(2026, 11, 21)
WORDS = {"AMD64": "amd64", "x86": "x86", "IA-64": "ia64", "ARM64": "arm64"}
CODES: dict[str, int] = {
    "installed": 0x70,
    "superseded": 0x50,
    "install-pending": 0x60,
    "staged": 0x40,
    "broken": -0x70,
    "uninstall-pending": 0x05,
    "unknown": 0x1234,
}
STACK = "6.0.6002.18005"
VALID = PackageSignature(signed=True, digest="sha256", verified="valid")


def identity_text(name: str, version: str, architecture: str = "AMD64", language: str = "") -> str:
    """An identity as servicing writes it."""
    return f"{name}~{TOKEN}~{WORDS.get(architecture, architecture)}~{language}~{version}"


def image(
    version: str,
    *,
    architecture: Any = "AMD64",
    product_type: str | None = "ServerNT",
    updates: Mapping[str, UpdateState] | Iterable[str] = (),
    packages: Mapping[str, UpdateState] | None = None,
    stack: str | None = STACK,
    pending: Pending | None = None,
    enabled: int | None = None,
    listed: bool = True,
    kind: Any = "windows",
) -> Installation:
    """An installation of the version (of its kernel). Of NT 6.0 with service pack 2 it has the package of that.

    `updates` are KBs by state, installed where only named, as packages 6.0.1.0 of their own; `packages` are others by
    identity. `enabled` is the build that an enablement package makes of it; `listed` False leaves out all packages.
    """
    major, minor, build, revision = (int(part) for part in version.split("."))
    windows = f"{major}.{minor}"
    states: dict[str, UpdateState] = (
        dict(updates) if isinstance(updates, Mapping) else dict.fromkeys(updates, "installed")
    )
    identities: dict[str, UpdateState] = {
        identity_text(f"Package_for_{kb}", f"{windows}.1.0", architecture): state for kb, state in states.items()
    }
    if windows == "6.0" and build >= 6002:
        identities[identity_text("package_for_KB948465", "6.0.1.18005", architecture)] = "installed"
    foundation = version if build in (6000, 6001) or windows != "6.0" else "6.0.6001.18000"
    identities[identity_text("Microsoft-Windows-Foundation-Package", foundation, architecture)] = "installed"
    identities |= packages or {}
    held = tuple(_package(text, state, number) for number, (text, state) in enumerate(identities.items()))
    facts = (
        _fact("f-kernel", "kernel.file_version", version),
        _fact("f-machine", "kernel.machine", architecture),
        _fact("f-product", "system.product_type", product_type),
        *(_fact(one.fact, "package.state", one.state_code) for one in held),
        *(_fact("f-mark", "pending.unserviceable", 1) for one in (pending,) if one is not None and one.unserviceable),
    )
    return Installation(
        location="/Windows",
        kind=kind,
        identity=_identity(windows, enabled or build, revision, architecture, product_type),
        servicing_stack=ServicingStack(version=stack, source=None, because=() if stack is None else ("f-stack",)),
        updates=tuple(_update(one) for one in held if one.kb is not None) if listed else (),
        packages=held if listed else (),
        pending=pending or Pending(reboot=False, packages=0, sessions=0, pending_xml=False, file_renames=0),
        conflicts=(),
        facts=facts,
        gaps=(),
        integrity=(),
    )


def waiting(**fields: Any) -> Pending:
    """Something that waits for a restart."""
    told: dict[str, Any] = {"reboot": True, "packages": 0, "sessions": 0, "pending_xml": False, "file_renames": 0}
    return Pending(**{**told, "because": ("f-pending",), **fields})


def package(
    kb: str | None,
    *,
    name: str | None = None,
    version: str = "6.0.1.0",
    windows: str | None = "6.0",
    architecture: Any = "AMD64",
    classification: Any = None,
    parents: Iterable[ParentPackage] | None = None,
    kernel: str | None = None,
    brings: str | None = None,
    path: str | None = None,
    identity: str | None = "",
    **fields: Any,
) -> UpdatePackage:
    """A package of an update. For Windows 6.0 its parent is service pack 2; `brings` is the version of the servicing
    stack in it; `identity` None stands for a package whose manifest could not be read."""
    called = name or f"Package_for_{kb}"
    if parents is None:
        parents = (parent("package_for_KB948465", "6.0.1.18005", architecture),) if windows == "6.0" else ()
    stack = "Microsoft-Windows-ServicingStack"
    told: dict[str, Any] = {
        "path": path or f"windows{windows}-{(kb or called).lower()}-{WORDS.get(architecture, 'neutral')}.msu",
        "container": "msu",
        "size": 1,
        "sha256": None,
        "kb": kb,
        "kb_source": None if kb is None else "package-name",
        "identity": identity_text(called, version, architecture or "neutral") if identity == "" else identity,
        "architecture": architecture,
        "windows": windows,
        "language": "neutral",
        "release_type": "Update",
        "classification": classification,
        "classification_because": None,
        "title": None,
        "support_url": None,
        "created": None,
        "applies_to": (),
        "parents": tuple(parents),
        "minimum_servicing_stack": None,
        "restart": "possible",
        "permanent": False,
        "offline_capable": None,
        "members": (),
        "components": () if brings is None else (PackageComponent(identity=stack, version=brings, branch=None),),
        "kernel": kernel,
        "kernels": (),
        "files": 1,
        "payload": None,
        "signature": VALID,
        "catalogues": (Catalogue(name="update.cat", members=1, digest="sha256", signature=VALID),),
        "supersedes": (),
        "contains": (),
        "findings": (),
        "gaps": (),
    }
    return UpdatePackage(**{**told, **fields})


def parent(
    name: str,
    version: str,
    architecture: str = "AMD64",
    *,
    group: int = 0,
    disposition: str = "detect",
    **compares: Any,
) -> ParentPackage:
    """A parent of a package."""
    return ParentPackage(
        name=name,
        version=version,
        architecture=WORDS.get(architecture, architecture),
        language="neutral",
        disposition=disposition,
        any_of=group,
        **compares,
    )


def check(found: Installation, *packages: UpdatePackage, policy: Policy = NO_POLICY, as_of: date = AS_OF) -> Evaluation:
    """The evaluation of a bundle on an image."""
    return evaluate(found, packages, policy, as_of=as_of)


def verdicts(evaluation: Evaluation) -> dict[str, str]:
    """The verdict on each package by its KB, or its path where it has none."""
    return {one.kb or one.path: one.verdict for one in evaluation.bundle}


def outcomes(evaluation: Evaluation, rule: str) -> list[str]:
    """The outcomes of one rule, in order."""
    return [finding.outcome for finding in evaluation.findings if finding.rule == rule]


def failing(evaluation: Evaluation) -> set[str]:
    """The rules that fail."""
    return {finding.rule for finding in evaluation.findings if finding.outcome == "fail"}


def order(evaluation: Evaluation) -> list[str]:
    """The plan in words: KBs, and ``restart``."""
    kbs = {one.path: one.kb or one.path for one in evaluation.bundle}
    steps = (step for step in evaluation.plan if step.action != "skip")
    return ["restart" if step.package is None else kbs[step.package] for step in steps]


def moved(one: UpdatePackage, path: str) -> UpdatePackage:
    """The same package in another file."""
    return replace(one, path=path)


def _identity(windows: str, build: int, revision: int, architecture: Any, product_type: str | None) -> Identity:
    packs = {6001: "Service Pack 1", 6002: "Service Pack 2", 6003: "Service Pack 2", 7601: "Service Pack 1"}
    return Identity(
        product=None,
        product_raw=None,
        edition=None,
        installation_type="Server" if product_type == "ServerNT" else "Client",
        product_type=product_type,
        version=windows,
        build=build,
        revision=revision,
        version_full=f"{windows}.{build}.{revision}",
        service_pack=packs.get(build),
        architecture=architecture,
        build_lab=None,
        lab=None,
        lab_date=None,
        servicing_branch=None,
        servicing_branch_rule=None,
        registry=None,
        kernel=None,
        install_date=None,
        verdict="agree",
        because=("f-kernel",),
        rule=None,
    )


def _package(text: str, state: UpdateState, number: int) -> Package:
    name, _, architecture, language, version = text.split("~")
    return Package(
        identity=text,
        name=name,
        architecture=architecture,
        language=language,
        version=version,
        kb=name.rpartition("_")[2] if "_for_KB" in name else None,
        state=state,
        state_code=CODES[state],
        visible=True,
        permanent=False,
        release_type=None,
        install_client=None,
        install_user=None,
        install_name=None,
        installed_at=None,
        last_error=None,
        owners=(),
        unnamed_update=False,
        manifest=None,
        fact=f"f-package-{number}",
    )


def _update(one: Package) -> Update:
    return Update(
        kb=one.kb or "",
        state=one.state,
        permanent=False,
        title=None,
        release_type=None,
        classification=None,
        installed_at=None,
        installed_at_source=None,
        packages=(one.identity,),
        kb_source="package-name",
        because=(one.fact,),
    )


def _fact(number: str, subject: str, value: Any) -> Fact:
    return Fact(id=number, subject=subject, value=value, source=Place(path="/Windows", method="made"))
