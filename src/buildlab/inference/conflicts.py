"""Where facts disagree, and whether that is explained."""

import re

from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.inference.enablement import Enablement
from buildlab.inference.sources_of_version import VersionSources
from buildlab.results.scan import Conflict, ConflictValue, Explanation
from buildlab.windows.architecture import from_pe_machine, from_registry_word
from buildlab.windows.states import package_state
from buildlab.windows.version import NtVersion

_SERVICE_PACK = re.compile(r"Service Pack ([0-9]{1,2})\b", re.IGNORECASE)
_Stated = tuple[str | int | None, Fact]

_NOTES: dict[Explanation, str] = {
    "pending-restart": "servicing waits for a restart: the registry shows what ran last, the kernel what starts next",
    "offline-serviced": "the registry is behind, nothing is pending, and the component store holds the kernel on disk: "
    "it was probably serviced while Windows was not running",
    "enablement": "an enablement package lets the same files count as a later build",
    "stale-registry": "the registry holds older values than the system that last ran",
    "stale-metadata": "the metadata was not brought up to date with the content",
    "unexplained": "nothing in the evidence explains it",
}


def find_conflicts(
    evidence: Evidence,
    sources: VersionSources,
    enablement: Enablement | None,
    *,
    restart_pending: bool,
) -> tuple[Conflict, ...]:
    """All disagreements about what the system is."""
    why = _Explainer(evidence, sources, restart_pending)
    found = [
        _build_conflict(sources, enablement, why),
        _windows_conflict(sources),
        _registry_build_conflict(evidence),
        _lab_conflict(evidence, sources, why),
        _revision_conflict(evidence, sources, why),
        _architecture_conflict(evidence),
        _service_pack_conflict(evidence),
        _text_conflict(sources),
        _kernel_variant_conflict(evidence, sources),
        _product_type_conflict(evidence),
        _claim_conflict(evidence, sources),
    ]
    return tuple(conflict for conflict in found if conflict is not None)


class _Explainer:
    """Why the registry and the kernel on disk may differ."""

    def __init__(self, evidence: Evidence, sources: VersionSources, restart_pending: bool) -> None:
        self._evidence = evidence
        self._sources = sources
        self._restart_pending = restart_pending

    def explain(self) -> Explanation:
        """Both accounts must be of one Windows, and servicing moves forward: a registry that is ahead of the kernel is
        explained by an update on its way out only."""
        sources = self._sources
        kernel, registry = sources.kernel, sources.registry
        if kernel is None or registry is None or registry.windows != kernel.windows:
            return "unexplained"
        if registry.stale:
            return "stale-registry"
        if registry.build > kernel.build:
            return "pending-restart" if self._restart_pending and self._update_is_leaving() else "unexplained"
        if self._restart_pending:
            return "pending-restart"
        if self._ran_the_kernel_on_disk():
            return "stale-registry"
        return "offline-serviced" if self._store_agrees_with_the_kernel() else "unexplained"

    def _update_is_leaving(self) -> bool:
        states = (package.state for package in self._evidence.packages if package.state is not None)
        return any(package_state(state).word == "uninstall-pending" for state in states)

    def _ran_the_kernel_on_disk(self) -> bool:
        """The last shutdown was of the very kernel that is on disk, so the registry should show it."""
        text, shutdown = self._sources.kernel_text, self._sources.shutdown_lab
        return text is not None and shutdown is not None and text.lab is not None and shutdown.lab == text.lab

    def _store_agrees_with_the_kernel(self) -> bool:
        store = {str(fact.value) for fact in self._evidence.all("kernel-store.file_version")}
        return self._sources.kernel is not None and str(self._sources.kernel) in store


def _conflict(subject: str, explanation: Explanation, values: list[_Stated]) -> Conflict:
    return Conflict(
        subject=subject,
        explanation=explanation,
        note=_NOTES[explanation],
        values=tuple(ConflictValue(value=value, fact=fact.id) for value, fact in values),
    )


def _build_conflict(sources: VersionSources, enablement: Enablement | None, why: _Explainer) -> Conflict | None:
    stated: list[_Stated] = []
    if sources.kernel is not None and sources.kernel_fact is not None:
        stated.append((sources.kernel.build, sources.kernel_fact))
    witnesses = (item for item in (sources.registry, sources.system) if item is not None and item.is_comparable)
    stated += [(item.build, item.fact) for item in witnesses]
    if len({value for value, _ in stated}) < 2:
        return None
    if enablement is not None:
        others = {value for value, _ in stated} - {enablement.build, sources.kernel.build if sources.kernel else None}
        return _conflict("build", "unexplained" if others else "enablement", stated)
    return _conflict("build", why.explain(), stated)


def _windows_conflict(sources: VersionSources) -> Conflict | None:
    """One build number under two Windows versions: one of them was changed."""
    kernel, registry = sources.kernel, sources.registry
    if kernel is None or registry is None or sources.kernel_fact is None or registry.windows is None:
        return None
    if registry.windows == kernel.windows:
        return None
    values: list[_Stated] = [(kernel.windows, sources.kernel_fact), (registry.windows, registry.fact)]
    return _conflict("version", "unexplained", values)


def _registry_build_conflict(evidence: Evidence) -> Conflict | None:
    """CurrentBuildNumber and CurrentBuild are written together since Windows Vista."""
    number, build = evidence.first("registry.current_build_number"), evidence.first("registry.current_build")
    if number is None or build is None or number.value == build.value or not str(build.value).isdecimal():
        return None
    return _conflict("registry.current_build", "unexplained", [(str(number.value), number), (str(build.value), build)])


def _lab_conflict(evidence: Evidence, sources: VersionSources, why: _Explainer) -> Conflict | None:
    """The kernel writes BuildLab when it starts; from Windows 10 on both are constants, and nothing can be compared."""
    kernel, fact = sources.kernel_text, evidence.first("registry.build_lab")
    if sources.kernel is None or sources.kernel.major >= 10 or sources.build_lab is None or fact is None:
        return None
    if kernel is None or kernel.lab is None or sources.kernel_text_fact is None or kernel.lab.is_constant:
        return None
    if kernel.lab == sources.build_lab.lab:
        return None
    values: list[_Stated] = [
        (str(kernel.lab), sources.kernel_text_fact),
        (str(sources.build_lab.lab), fact),
    ]
    return _conflict("build_lab", why.explain(), values)


def _revision_conflict(evidence: Evidence, sources: VersionSources, why: _Explainer) -> Conflict | None:
    """A UBR below the kernel's revision is older than the kernel. One above it is normal: it is that of the newest
    file of the update, and the kernel is not always the newest."""
    kernel, ubr = sources.kernel, evidence.first("registry.ubr")
    if kernel is None or sources.kernel_fact is None or ubr is None or not isinstance(ubr.value, int):
        return None
    if ubr.value >= kernel.revision:
        return None
    return _conflict("revision", why.explain(), [(kernel.revision, sources.kernel_fact), (ubr.value, ubr)])


def _architecture_conflict(evidence: Evidence) -> Conflict | None:
    values: list[_Stated] = []
    for subject in ("kernel.machine", "hal.machine", "ntdll.machine"):
        fact = evidence.first(subject)
        if fact is not None:
            values.append((from_pe_machine(int(str(fact.value), 16)), fact))
    word = evidence.first("system.processor_architecture")
    if word is not None:
        values.append((from_registry_word(str(word.value)), word))
    known = {value for value, _ in values if value is not None}
    return _conflict("architecture", "unexplained", values) if len(known) > 1 else None


def _service_pack_conflict(evidence: Evidence) -> Conflict | None:
    text, number = evidence.first("registry.csd_version"), evidence.first("system.csd_version")
    if text is None or number is None or not isinstance(number.value, int):
        return None
    stated = _SERVICE_PACK.search(str(text.value))
    if stated is None or int(stated[1]) == number.value >> 8:
        return None
    return _conflict("service_pack", "unexplained", [(str(text.value), text), (number.value, number)])


def _text_conflict(sources: VersionSources) -> Conflict | None:
    """The numbers of VS_FIXEDFILEINFO are the ones to compare with; a text that differs from them is worth a remark."""
    text = sources.kernel_text
    if sources.kernel is None or text is None or sources.kernel_fact is None or sources.kernel_text_fact is None:
        return None
    if text.version is None or text.version == sources.kernel:
        return None
    values: list[_Stated] = [
        (str(sources.kernel), sources.kernel_fact),
        (str(text.version), sources.kernel_text_fact),
    ]
    return _conflict("kernel.file_version", "unexplained", values)


def _kernel_variant_conflict(evidence: Evidence, sources: VersionSources) -> Conflict | None:
    """ntoskrnl and ntkrnlpa come from one compilation."""
    fact = evidence.first("kernel-pae.file_version")
    if fact is None or sources.kernel is None or sources.kernel_fact is None:
        return None
    variant = NtVersion.parse(str(fact.value))
    if variant is None or variant == sources.kernel:
        return None
    return _conflict(
        "kernel-variants", "unexplained", [(str(sources.kernel), sources.kernel_fact), (str(variant), fact)]
    )


def _claim_conflict(evidence: Evidence, sources: VersionSources) -> Conflict | None:
    """The container's metadata may say another build than its content: it is not written anew when that is serviced."""
    claim = evidence.first("claim.build")
    if claim is None or sources.kernel is None or sources.kernel_fact is None or claim.value == sources.kernel.build:
        return None
    if sources.registry is not None and claim.value == sources.registry.build:
        return None
    values: list[_Stated] = [(sources.kernel.build, sources.kernel_fact), (_as_value(claim), claim)]
    return _conflict("build", "stale-metadata", values)


def _as_value(fact: Fact) -> str | int | None:
    return fact.value if isinstance(fact.value, str | int) else None


def _product_type_conflict(evidence: Evidence) -> Conflict | None:
    product, installation = evidence.first("system.product_type"), evidence.first("registry.installation_type")
    if product is None or installation is None:
        return None
    is_client = str(product.value).lower() == "winnt"
    says_client = str(installation.value).lower() == "client"
    says_server = str(installation.value).lower().startswith("server")
    if (is_client and says_server) or (not is_client and says_client):
        values: list[_Stated] = [
            (str(product.value), product),
            (str(installation.value), installation),
        ]
        return _conflict("product_type", "unexplained", values)
    return None
