"""``servicing\\Packages\\*.mum``: what each package says of itself."""

from buildlab.errors import BuildlabError
from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import ManifestRecord, Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.mum import MumHead, read_mum_links
from buildlab.windows.kb import find_kb

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
            links = read_mum_links(root.tree.read_entry(entry, path, root.limits.xml_bytes), root.limits)
        except BuildlabError as error:
            failures.append((path, error))
            continue
        mum = links.head
        identity = str(mum.identity)
        place = Place(path=path, method="package-manifest", part="assemblyIdentity")
        ledger.manifest(
            ManifestRecord(
                name=identity,
                fact=ledger.fact("package.manifest", identity, place),
                kb=_kb(mum),
                title=_title(mum),
                release_type=mum.release_type,
                support_url=mum.support_url,
                restart=mum.restart,
                permanence=mum.permanence,
                requires=tuple(dict.fromkeys(one.name for parent in links.parents for one in parent.any_of)),
                members=tuple(dict.fromkeys(str(member.identity) for member in links.packages)),
            )
        )
    for path, failure in failures[:_MOST_GAPS]:
        ledger.failed("package-manifest", path, failure)
    if len(failures) > _MOST_GAPS:
        reason = f"{len(failures) - _MOST_GAPS} more package manifests cannot be read"
        ledger.gap("package-manifests", "unparsable", folder, reason)


def _kb(mum: MumHead) -> str | None:
    """The KB in the identifier or the support address, then in the words of description and title."""
    named = (find_kb(text) for text in (mum.description, mum.display_name) if text)
    return mum.kb or next((kb for kb in named if kb is not None), None)


def _title(mum: MumHead) -> str | None:
    """What the package is called; the word that manifests have where nobody named it is no title."""
    return next((text for text in (mum.display_name, mum.description) if text and text.lower() != _NO_NAME), None)


_NO_NAME = "default"
_MOST_GAPS = 100
"""Gaps that name a file each; a ruined volume has thousands of them, which one line tells as well."""

PACKAGE_MANIFESTS = Collector(name="package-manifests", paths=(f"{_FOLDER}/*.mum",), needs_files=True, collect=_collect)
