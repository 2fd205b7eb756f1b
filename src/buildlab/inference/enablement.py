"""Enablement packages: the same files, counted as a later build."""

from dataclasses import dataclass

from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.inference.sources_of_version import VersionSources
from buildlab.knowledge.builds import build_of
from buildlab.knowledge.package_classes import build_of_enablement_package, class_of_package_name
from buildlab.windows.package_identity import parse_package_identity
from buildlab.windows.states import package_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Enablement:
    """The build that is enabled over the kernel's, and the facts that say so."""

    build: int
    facts: tuple[Fact, ...]


def enabled_build(evidence: Evidence, sources: VersionSources) -> Enablement | None:
    """The registry's build where it is one that an enablement package gives to files of the kernel's build.

    Either the build is known to be such a one, or an enablement package is installed and the registry is ahead.
    """
    kernel, registry = sources.kernel, sources.registry
    if kernel is None or registry is None or registry.build <= kernel.build or kernel.major < 10:
        return None
    packages = _installed_enablement_packages(evidence, registry.build)
    known = build_of(registry.build)
    if known is not None and known.enablement_over is not None:
        same_base = known.enablement_over == kernel.build
        return Enablement(build=registry.build, facts=(registry.fact, *packages)) if same_base else None
    return Enablement(build=registry.build, facts=(registry.fact, *packages)) if packages else None


def _installed_enablement_packages(evidence: Evidence, build: int) -> tuple[Fact, ...]:
    found: list[Fact] = []
    for package in evidence.packages:
        identity = parse_package_identity(package.name)
        if identity is None or package.state is None or not package_state(package.state).is_installed:
            continue
        if class_of_package_name(identity.name) == "enablement" and build_of_enablement_package(identity.name) in (
            build,
            None,
        ):
            found.append(package.fact)
    return tuple(found)
