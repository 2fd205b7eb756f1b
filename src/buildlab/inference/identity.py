"""Which Windows an installation is: build, lab, architecture, product, and how sure that is."""

from dataclasses import dataclass

from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.inference.branch import conclude_branch
from buildlab.inference.enablement import Enablement
from buildlab.inference.product import product_name, product_side
from buildlab.inference.sources_of_version import Statement, VersionSources
from buildlab.knowledge.builds import build_of
from buildlab.knowledge.package_classes import class_of_package_name
from buildlab.results.scan import Conflict, Identity, KernelIdentity, RegistryIdentity, Verdict
from buildlab.windows.architecture import Architecture, from_pe_machine, from_registry_word
from buildlab.windows.build_lab import BuildLabEx, LabString
from buildlab.windows.package_identity import parse_package_identity
from buildlab.windows.states import package_state

_FIRST_WITH_CONSTANT_LAB = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """The version that was decided on, the facts that decided it, and the rule."""

    windows: str | None
    build: int | None
    revision: int | None
    because: tuple[Fact, ...]
    rule: str | None


def conclude_identity(
    evidence: Evidence,
    sources: VersionSources,
    enablement: Enablement | None,
    conflicts: tuple[Conflict, ...],
) -> Identity:
    """The kernel on disk decides; then the SOFTWARE hive; then the SYSTEM hive."""
    decided = _decide(evidence, sources, enablement)
    lab = _lab(sources)
    branch = conclude_branch(sources.kernel, lab)
    side = product_side(evidence)
    raw_name = evidence.text("registry.product_name")
    architecture = _architecture(evidence)
    complete = decided.windows is not None and decided.build is not None and decided.revision is not None
    return Identity(
        product=product_name(raw_name, decided.build, side),
        product_raw=raw_name,
        edition=evidence.text("registry.edition_id"),
        installation_type=evidence.text("registry.installation_type"),
        product_type=evidence.text("system.product_type"),
        version=decided.windows,
        build=decided.build,
        revision=decided.revision,
        version_full=f"{decided.windows}.{decided.build}.{decided.revision}" if complete else None,
        service_pack=_service_pack(evidence),
        architecture=None if architecture is None else architecture.value,
        build_lab=None if lab is None else str(lab),
        lab=None if lab is None else lab.lab,
        lab_date=None if lab is None or lab.compiled is None else lab.compiled.strftime("%Y-%m-%dT%H:%M"),
        servicing_branch=None if branch is None else branch.name,
        servicing_branch_rule=None if branch is None else branch.rule,
        registry=_registry_identity(evidence),
        kernel=_kernel_identity(evidence),
        install_date=evidence.text("registry.install_date"),
        verdict=_verdict(sources, conflicts, decided),
        because=tuple(fact.id for fact in decided.because),
        rule=decided.rule,
    )


def _decide(evidence: Evidence, sources: VersionSources, enablement: Enablement | None) -> _Decided:
    kernel, kernel_fact = sources.kernel, sources.kernel_fact
    if kernel is not None and kernel_fact is not None:
        if enablement is not None:
            return _Decided(
                windows=kernel.windows,
                build=enablement.build,
                revision=kernel.revision,
                because=(kernel_fact, *enablement.facts),
                rule="enablement",
            )
        return _Decided(
            windows=kernel.windows, build=kernel.build, revision=kernel.revision, because=(kernel_fact,), rule="kernel"
        )
    statement = sources.registry or sources.system
    if statement is None:
        return _Decided(windows=None, build=None, revision=None, because=(), rule=None)
    revision, facts = _revision_without_kernel(evidence, statement)
    return _Decided(
        windows=statement.windows,
        build=statement.build,
        revision=revision,
        because=(statement.fact, *facts),
        rule=statement.rule,
    )


def _revision_without_kernel(evidence: Evidence, statement: Statement) -> tuple[int | None, tuple[Fact, ...]]:
    """UBR, or what the source itself says; then the version of the newest cumulative update that is installed."""
    if statement.revision is not None:
        ubr = evidence.first("registry.ubr")
        return statement.revision, (ubr,) if ubr is not None and ubr.value == statement.revision else ()
    known = build_of(statement.build)
    builds = {statement.build, known.enablement_over if known is not None else None}
    found: list[tuple[int, Fact]] = []
    for package in evidence.packages:
        identity = parse_package_identity(package.name)
        if identity is None or package.state is None or not package_state(package.state).is_installed:
            continue
        version = identity.nt_version
        if class_of_package_name(identity.name) == "cumulative" and version is not None and version.major in builds:
            found.append((version.minor, package.fact))
    if not found:
        return None, ()
    newest, fact = max(found, key=lambda item: item[0])
    return newest, (fact,)


def _lab(sources: VersionSources) -> LabString | None:
    """The kernel's text; where that is a constant or missing, BuildLabEx and BuildLab if they are of its build.

    Before Windows 10 the running kernel writes BuildLab, while BuildLabEx stays that of the release, so BuildLab is
    asked first there; and the lab of another build is never put to this kernel's number.
    """
    text = sources.kernel_text
    kernel_lab = text.lab if text is not None else None
    if kernel_lab is not None and not kernel_lab.is_constant:
        return kernel_lab
    kernel = sources.kernel
    stated = [item for item in (sources.build_lab, sources.build_lab_ex, sources.shutdown_lab) if item is not None]
    if kernel is not None:
        stated = [item for item in stated if item.build == kernel.build]
    if kernel_lab is not None or (kernel is not None and kernel.major >= _FIRST_WITH_CONSTANT_LAB):
        stated.sort(key=lambda item: not isinstance(item, BuildLabEx))
    return stated[0].lab if stated else None


def _service_pack(evidence: Evidence) -> str | None:
    """CSDVersion of the SOFTWARE hive, then the number in the SYSTEM hive (0x200 is the second)."""
    text = evidence.text("registry.csd_version")
    number = evidence.number("system.csd_version")
    if text is not None or number is None or number < 0x100:
        return text
    return f"Service Pack {number >> 8}"


def _architecture(evidence: Evidence) -> Architecture | None:
    """The kernel's PE machine, then the registry's word. An edited registry never outvotes a kernel, not even one of a
    machine that is not known."""
    machine = evidence.first("kernel.machine")
    if machine is not None:
        return from_pe_machine(int(str(machine.value), 16))
    word = evidence.text("system.processor_architecture")
    return from_registry_word(word) if word else None


def _registry_identity(evidence: Evidence) -> RegistryIdentity | None:
    if not any(fact.subject.startswith("registry.") for fact in evidence.facts):
        return None
    return RegistryIdentity(
        current_build=evidence.text("registry.current_build_number") or evidence.text("registry.current_build"),
        ubr=evidence.number("registry.ubr"),
        build_lab=evidence.text("registry.build_lab"),
        build_lab_ex=evidence.text("registry.build_lab_ex"),
        csd_version=evidence.text("registry.csd_version"),
    )


def _kernel_identity(evidence: Evidence) -> KernelIdentity | None:
    machine = evidence.first("kernel.machine")
    if machine is None:
        return None
    return KernelIdentity(
        path=machine.source.path,
        file_version=evidence.text("kernel.file_version"),
        file_version_text=evidence.text("kernel.file_version_text"),
        machine=str(machine.value),
    )


def _verdict(sources: VersionSources, conflicts: tuple[Conflict, ...], decided: _Decided) -> Verdict:
    """A hive that could not be brought up to date is no second witness."""
    if decided.build is None:
        return "unknown"
    if any(conflict.explanation == "unexplained" for conflict in conflicts):
        return "conflict"
    if conflicts:
        return "explained"
    witnesses = [item is not None and item.is_witness for item in (sources.registry, sources.system)]
    return "agree" if sum((sources.kernel is not None, *witnesses)) > 1 else "single-source"
