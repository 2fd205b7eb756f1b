"""What a reader should find in a synthetic system: computed from the model alone, for manifests and golden tests."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.kit.names import ENVIRONMENT_WORDS
from tests.kit.packages import (
    ABSENT,
    INSTALL_PENDING,
    INSTALLED,
    PARTIALLY_INSTALLED,
    PERMANENT,
    RESOLVED,
    RESOLVING,
    STAGED,
    STAGING,
    SUPERSEDED,
    UNINSTALL_PENDING,
    Package,
)
from tests.kit.systems5 import LegacyImage
from tests.kit.windows import WindowsImage

STATE_WORDS = {
    ABSENT: "absent",
    UNINSTALL_PENDING: "uninstall-pending",
    RESOLVING: "resolving",
    RESOLVED: "resolved",
    STAGING: "staging",
    STAGED: "staged",
    SUPERSEDED: "superseded",
    INSTALL_PENDING: "install-pending",
    PARTIALLY_INSTALLED: "partially-installed",
    INSTALLED: "installed",
    PERMANENT: "installed",
}
_ORDER = ["installed", "install-pending", "uninstall-pending", "superseded"]
_NUMBER = re.compile(r"KB\d{5,8}", re.IGNORECASE)

Scalar = str | int | bool


def state_word(code: int) -> str:
    """The word for a CurrentState code: "broken" for negative ones, "unknown" for others not in the table."""
    return "broken" if code < 0 else STATE_WORDS.get(code, "unknown")


def update_states(image: WindowsImage) -> dict[str, str]:
    """Every KB the registry's packages name (or, where names are silent, the manifest does) and its state.

    The parent package decides; of several versions an installed one wins, then a pending, then a superseded one.
    Without a parent the members decide, "mixed" if they differ. Sorted by KB number. A Windows before Vista has no
    packages, and its model states them.
    """
    if isinstance(image, LegacyImage):
        return image.states
    parents: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for package in image.packages:
        if not package.in_registry:
            continue
        kb = _kb(package)
        if kb is not None:
            (parents if _is_parent(package, kb) else members).setdefault(kb, []).append(state_word(package.state))
    found: dict[str, str] = {}
    for kb in sorted(parents.keys() | members.keys(), key=lambda text: int(text[2:])):
        words = parents.get(kb) or members[kb]
        ranked = sorted(set(words), key=lambda word: _ORDER.index(word) if word in _ORDER else len(_ORDER))
        found[kb] = ranked[0] if kb in parents or len(ranked) == 1 else "mixed"
    return found


def _kb(package: Package) -> str | None:
    match = _NUMBER.search(package.identity.name)
    if match is not None:
        return match.group().upper()
    return package.kb if package.has_mum else None


def _is_parent(package: Package, kb: str) -> bool:
    name = package.identity.name
    return not name.startswith("Package_") or bool(
        re.fullmatch(rf"Package_for_({kb}(-\w+)?|RollupFix|DotNetRollup\w*)", name)
    )


def expected(image: WindowsImage, overrides: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The identity and counts a scan should give; `overrides` state what the model cannot know (corrected names,
    effective build).
    """
    version = ".".join(map(str, image.kernel))
    words = {"ia64": "IA-64"}
    lab = (
        image.lab if "WinBuild" not in image.lab or image.build_lab_ex is None else image.build_lab_ex.split(".", 3)[3]
    )
    values: dict[str, Scalar] = {
        "version_full": version,
        "architecture": words.get(image.architecture, ENVIRONMENT_WORDS[image.machine]),
        "product_raw": image.product_name,
        "edition": image.edition,
        "product_type": image.product_type,
        "build_lab": lab,
        "kernel_version": version,
        "kernel_text": image.kernel_text,
        "machine": f"{image.machine:#x}",
        "registry_build": image.current_build,
        "servicing_stack": image.stack,
        "packages": sum(package.in_registry for package in image.packages),
        "mums": sum(package.has_mum for package in image.packages),
        "updates": len(update_states(image)),
        "pending_reboot": bool(image.pending and image.pending.reboot),
        "pending_packages": len(image.pending.packages) if image.pending else 0,
        "pending_sessions": len(image.pending.sessions) if image.pending else 0,
        "pending_xml": bool(image.pending and image.pending.xml),
        "pending_file_renames": len(image.pending.renames) if image.pending else 0,
    }
    optional = {
        "registry_build_lab": image.build_lab,
        "registry_build_lab_ex": image.build_lab_ex,
        "service_pack": image.csd_version,
        "installation_type": image.installation_type,
        "ubr": image.ubr,
    }
    values |= {name: value for name, value in optional.items() if value is not None}
    return {name: value for name, value in values.items() if value != ""} | dict(overrides)
