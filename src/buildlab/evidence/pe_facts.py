"""Facts from the version resource of one PE file."""

from dataclasses import replace

from buildlab.errors import BuildlabError, PathNotFoundError
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.pe import PeFile, read_pe

_METHOD = "pe-version"


def enter_pe(root: WindowsRoot, ledger: Ledger, subject: str, relative: str, *, required: bool) -> PeFile | None:
    """Enter machine, version numbers and FileVersion text of a file below the Windows folder, as ``subject.…``.

    A file that is missing is a gap only when `required`; one that cannot be read, or has no version resource, always.
    """
    path = root.path(relative)
    try:
        pe = read_pe(root.open(relative), root.limits)
    except PathNotFoundError as error:
        if required:
            ledger.gap(subject, "missing", path, error.message)
        return None
    except BuildlabError as error:
        ledger.failed(subject, path, error)
        return None
    machine = Place(path=path, method="pe-header", part="IMAGE_FILE_HEADER.Machine")
    ledger.fact(f"{subject}.machine", f"{pe.machine:#x}", machine)
    numbers_path = strings_path = path
    if not pe.strings and (beside := _version_beside(root, ledger, relative)) is not None:
        strings_path, other = beside
        if pe.file_version is None:
            numbers_path, pe = beside
        else:
            pe = replace(pe, strings=other.strings)
    if pe.file_version is None:
        ledger.gap(subject, "unparsable", path, "the file has no version resource")
    else:
        fixed = Place(path=numbers_path, method=_METHOD, part="VS_FIXEDFILEINFO", offset=pe.fixed_offset)
        ledger.fact(f"{subject}.file_version", str(pe.file_version), fixed)
    seen: set[str] = set()
    for table in pe.strings:
        text = table.strings.get("FileVersion")
        if text and text not in seen:
            seen.add(text)
            part = f"StringFileInfo\\{table.language:04x}{table.code_page:04x}\\FileVersion"
            place = Place(path=strings_path, method=_METHOD, part=part)
            ledger.fact(f"{subject}.file_version_text", text, place)
    return pe


def _version_beside(root: WindowsRoot, ledger: Ledger, relative: str) -> tuple[str, PeFile] | None:
    """Place and content of the version resource in ``<folder>/<language>/<name>.mui``, of a file without one."""
    folder, _, name = relative.rpartition("/")
    for entry in root.entries(folder):
        if entry.kind != "directory" or "-" not in entry.name:
            continue
        mui = f"{folder}/{entry.name}/{name}.mui"
        if root.entry(mui) is None:
            continue
        with ledger.gap_on_error("mui", root.path(mui)):
            pe = read_pe(root.open(mui), root.limits)
            if pe.file_version is not None or pe.strings:
                return root.path(mui), pe
    return None
