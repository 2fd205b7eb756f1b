"""``servicing\\Packages\\*.mum``: what each package says of itself."""

from buildlab.errors import BuildlabError
from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import ManifestRecord, Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.mum import read_mum

_FOLDER = "servicing/Packages"
_ENDING = ".mum"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    names = [entry.name for entry in root.entries(_FOLDER) if entry.name.lower().endswith(_ENDING)]
    if not names:
        ledger.gap("package-manifests", "missing", root.path(_FOLDER), "no package manifest")
    failures: list[tuple[str, BuildlabError]] = []
    for name in names:
        relative = f"{_FOLDER}/{name}"
        try:
            mum = read_mum(root.tree.read(root.path(relative), root.limits.xml_bytes), root.limits)
        except BuildlabError as error:
            failures.append((relative, error))
            continue
        identity = str(mum.identity)
        place = Place(path=root.path(relative), method="package-manifest", part="assemblyIdentity")
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
    for relative, failure in failures[:_MOST_GAPS]:
        ledger.failed("package-manifest", root.path(relative), failure)
    if len(failures) > _MOST_GAPS:
        reason = f"{len(failures) - _MOST_GAPS} more package manifests cannot be read"
        ledger.gap("package-manifests", "unparsable", root.path(_FOLDER), reason)


_MOST_GAPS = 100
"""Gaps that name a file each; a ruined volume has thousands of them, which one line tells as well."""

PACKAGE_MANIFESTS = Collector(name="package-manifests", paths=(f"{_FOLDER}/*.mum",), needs_files=True, collect=_collect)
