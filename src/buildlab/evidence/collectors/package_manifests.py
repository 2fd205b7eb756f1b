"""``servicing\\Packages\\*.mum``: what each package says of itself."""

from buildlab.errors import BuildlabError
from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import ManifestRecord, Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.mum import read_mum_head

_FOLDER = "servicing/Packages"
_ENDING = ".mum"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    folder = root.path(_FOLDER)
    entries = [entry for entry in root.entries(_FOLDER) if entry.name.lower().endswith(_ENDING)]
    if not entries:
        ledger.gap("package-manifests", "missing", folder, "no package manifest")
    failures: list[tuple[str, BuildlabError]] = []
    for entry in entries:
        path = f"{folder}/{entry.name}"
        try:
            mum = read_mum_head(root.tree.read_entry(entry, path, root.limits.xml_bytes), root.limits)
        except BuildlabError as error:
            failures.append((path, error))
            continue
        identity = str(mum.identity)
        place = Place(path=path, method="package-manifest", part="assemblyIdentity")
        ledger.manifest(
            ManifestRecord(
                name=identity,
                fact=ledger.fact("package.manifest", identity, place),
                kb=mum.kb,
                title=mum.display_name or mum.description,
                release_type=mum.release_type,
                support_url=mum.support_url,
                restart=mum.restart,
                permanence=mum.permanence,
            )
        )
    for path, failure in failures[:_MOST_GAPS]:
        ledger.failed("package-manifest", path, failure)
    if len(failures) > _MOST_GAPS:
        reason = f"{len(failures) - _MOST_GAPS} more package manifests cannot be read"
        ledger.gap("package-manifests", "unparsable", folder, reason)


_MOST_GAPS = 100
"""Gaps that name a file each; a ruined volume has thousands of them, which one line tells as well."""

PACKAGE_MANIFESTS = Collector(name="package-manifests", paths=(f"{_FOLDER}/*.mum",), needs_files=True, collect=_collect)
