"""One installation concluded from its evidence."""

from buildlab.evidence.ledger import Evidence
from buildlab.inference.component_store import conclude_component_store, find_store_conflicts
from buildlab.inference.conflicts import find_conflicts
from buildlab.inference.enablement import enabled_build
from buildlab.inference.identity import conclude_identity
from buildlab.inference.installation_kind import conclude_kind
from buildlab.inference.legacy_updates import conclude_legacy_updates, find_file_conflicts
from buildlab.inference.package_conflicts import find_package_conflicts
from buildlab.inference.package_rows import package_rows
from buildlab.inference.pending import awaits_restart, conclude_pending
from buildlab.inference.servicing_stack import conclude_servicing_stack
from buildlab.inference.sources_of_version import version_sources
from buildlab.inference.updates import conclude_updates
from buildlab.results.scan import Installation, InstallationKind


def conclude_installation(location: str, kind: InstallationKind, evidence: Evidence) -> Installation:
    """Everything that can be said of one installation."""
    sources = version_sources(evidence)
    enablement = enabled_build(evidence, sources)
    pending = conclude_pending(evidence)
    restart_pending = awaits_restart(evidence, pending)
    conflicts = (
        *find_conflicts(evidence, sources, enablement, restart_pending=restart_pending),
        *find_file_conflicts(evidence),
    )
    rows = package_rows(evidence)
    return Installation(
        location=location,
        kind=conclude_kind(kind, evidence),
        identity=conclude_identity(evidence, sources, enablement, conflicts),
        servicing_stack=conclude_servicing_stack(evidence),
        updates=conclude_legacy_updates(evidence, conclude_updates(rows)),
        packages=tuple(row.package for row in rows),
        pending=pending,
        conflicts=(
            *conflicts,
            *find_store_conflicts(evidence, sources, restart_pending=restart_pending),
            *find_package_conflicts(evidence, rows, sources, restart_pending=restart_pending),
        ),
        facts=evidence.facts,
        gaps=evidence.gaps,
        integrity=evidence.integrity,
        component_store=conclude_component_store(evidence),
    )
