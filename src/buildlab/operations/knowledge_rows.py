"""What readers found in a document, as rows of imported tables: texts by column, lists joined by semicolons."""

from buildlab.readers.advisory import Advisory
from buildlab.readers.wsus_cabinet import WsusMetadata, WsusRevision

Row = dict[str, str]


def rows_of_advisory(advisory: Advisory) -> tuple[Row, ...]:
    """A row for each remediation that names a KB."""
    return tuple(
        {
            "kb": one.kb,
            "vulnerability": one.vulnerability,
            "products": ";".join(one.products),
            "supersedes": ";".join(one.supersedes),
            "fixed_build": one.fixed_build,
            "subtype": one.subtype,
            "restart": one.restart,
            "released": one.released or advisory.released,
            "url": one.url,
        }
        for one in advisory.remediations
    )


def rows_of_wsus(metadata: WsusMetadata) -> tuple[Row, ...]:
    """A row for each revision of software.

    `kb_basis` says where the KB is from: ``stated`` of the revision, ``package`` (the manifest in it) or ``bundle``
    (the update that it is a part of). Prerequisites are groups, of which one member each is needed.
    """
    ids = {update.revision: update.update_id for update in metadata.package.updates}
    revisions = {one.update.revision: one for one in metadata.revisions}
    kbs = {one.core.update_id: kb for one in metadata.revisions if one.core and (kb := _own_kb(one)[0])}
    return tuple(_row(one, metadata, ids, revisions, kbs) for one in metadata.revisions)


def notes_of_wsus(metadata: WsusMetadata) -> tuple[str, ...]:
    """What is to be known of the import as a whole."""
    revisions, all_of_them = metadata.revisions, metadata.package.updates
    notes = [f"{len(revisions)} revisions of software of {len(all_of_them)}; the others are categories and detection"]
    differing = sum(1 for one in revisions if one.core and one.core.update_id != one.update.update_id)
    if differing:
        notes.append(f"{differing} revisions have another identifier in their own metadata than in package.xml")
    bare = sum(1 for one in revisions if one.extended is None)
    if bare:
        notes.append(f"{bare} revisions have no metadata beside package.xml")
    return (*notes, *(f"not read: {problem}" for problem in metadata.problems))


def _own_kb(one: WsusRevision) -> tuple[str, str]:
    if one.extended is not None and one.extended.kb is not None:
        return one.extended.kb, "stated"
    if one.core is not None and one.core.package_kb is not None:
        return one.core.package_kb, "package"
    return "", ""


def _row(
    one: WsusRevision,
    metadata: WsusMetadata,
    ids: dict[int, str],
    revisions: dict[int, WsusRevision],
    kbs: dict[str, str],
) -> Row:
    update, core, extended = one.update, one.core, one.extended
    kb, basis = _own_kb(one)
    if not kb:
        bundles = (revisions[number] for number in update.bundled_by if number in revisions)
        kb = next((found for bundle in bundles if (found := _own_kb(bundle)[0])), "")
        basis = "bundle" if kb else ""
    files = () if extended is None else extended.files
    superseded = () if core is None else core.supersedes
    needed = [member for group in update.prerequisites for member in group]
    return {
        "kb": kb,
        "kb_basis": basis,
        "update_id": update.update_id,
        "core_update_id": "" if core is None else core.update_id,
        "revision": str(update.revision),
        "revision_number": str(update.revision_number),
        "created": update.created,
        "kind": "bundle" if update.is_bundle else "update",
        "title": one.title,
        "severity": "" if extended is None else extended.severity,
        "bulletin": "" if extended is None else extended.bulletin,
        "supersedes": ";".join(superseded),
        "supersedes_kbs": ";".join(dict.fromkeys(kbs[old] for old in superseded if old in kbs)),
        "superseded_by": ";".join(ids.get(number, f"revision {number}") for number in update.superseded_by),
        "prerequisites": ";".join("|".join(group) for group in update.prerequisites),
        "prerequisite_names": ";".join(metadata.names[one] for one in needed if one in metadata.names),
        "bundled_by": ";".join(ids.get(number, f"revision {number}") for number in update.bundled_by),
        "package": "" if core is None or core.package is None else core.package,
        "file_names": ";".join(file.name for file in files),
        "file_sizes": ";".join(str(file.size) for file in files),
        "file_sha1": ";".join(file.sha1 or "" for file in files) or ";".join(update.files),
        "file_urls": ";".join(metadata.package.locations.get(digest, "") for digest in update.files),
    }
