"""Reads a package file into the record of its content: what it is made of, what could not be read and why."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime

from buildlab.errors import BuildlabError, LimitExceededError, UnsupportedContentError
from buildlab.evidence.fact import Gap, gap_kind
from buildlab.evidence.legacy_package import is_legacy_package, read_legacy_package
from buildlab.evidence.package_content import (
    CatalogRecord,
    KernelFile,
    PackageContent,
    PackageManifest,
    StoreManifest,
)
from buildlab.evidence.package_members import Wanted, is_index, package_members
from buildlab.evidence.package_payload import PayloadTally, first_gaps
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.authenticode_cab import check_cabinet
from buildlab.readers.authenticode_pe import check_pe
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.catalog import check_catalog, read_catalog
from buildlab.readers.delta_manifest import decode_manifest, is_compressed_manifest
from buildlab.readers.manifest import ComponentManifest, read_manifest
from buildlab.readers.mum import read_mum
from buildlab.readers.package_properties import PackageProperties, read_package_properties
from buildlab.readers.pe import read_pe
from buildlab.readers.signature import UNSIGNED, SignatureCheck
from buildlab.readers.signature_roots import TrustedRoots
from buildlab.readers.unattend import UnattendPackage, read_unattend
from buildlab.sources.package_files import PackageFile
from buildlab.sources.tree import read_whole

_MUM = ".mum"
_MANIFEST = ".manifest"
_CATALOGUE = ".cat"
_PROPERTIES = "-pkgproperties.txt"
_METADATA = ("wsusscan.cab",)
"""Files beside the packages that describe them to update services; opened on request only."""
_KERNELS = ("ntoskrnl.exe", "ntkrnlpa.exe")
_NEED_BASE = (b"DCM\1", b"DCD\1")
_CATALOGUE_DIGESTS = ("sha1", "sha256")
_WIM = b"MSWIM\0\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageReading:
    """How to read. `verify` decodes and hashes every file, `deep` opens metadata too; `as_of` is the moment at which
    certificates without a time stamp have to be valid, `roots` are those that signatures may end in."""

    as_of: datetime
    roots: TrustedRoots
    verify: bool = False
    deep: bool = False
    limits: Limits = DEFAULT_LIMITS


@dataclass(slots=True)
class _Notes:
    """What is found while members are read one after another."""

    manifests: list[PackageManifest] = field(default_factory=list)
    components: list[StoreManifest] = field(default_factory=list)
    kernels: list[KernelFile] = field(default_factory=list)
    catalogues: list[CatalogRecord] = field(default_factory=list)
    covered: set[bytes] = field(default_factory=set)
    digests: dict[str, set[bytes]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def failed(self, subject: str, path: str, error: BuildlabError) -> None:
        self.gaps.append(Gap(subject=subject, kind=gap_kind(error), path=error.path or path, reason=error.message))


def read_package(file: PackageFile, reading: PackageReading, *, depth: int = 0) -> PackageContent:
    """The content of a package file, with that of the package files in it.

    Nothing about the evidence raises but that the tree as a whole cannot be listed (SourceError, FormatError).
    """
    listed = list(file.files(reading.limits))
    names = [path.lstrip("/") for path, entry in listed if entry.kind == "file"]
    notes = _Notes()
    for error in file.damage:
        notes.failed("package", file.path, error)
    content = PackageContent(
        path=file.path,
        container=file.kind,
        size=file.size,
        files=len(listed),
        unsafe_names=tuple(path for path, entry in listed if entry.kind == "damaged" and _is_unsafe(path)),
        signature=_signature(file, reading, notes) if depth == 0 else None,
    )
    if is_legacy_package(names):
        return _legacy(file, content, names, reading, notes)
    if any(_is_top(name, _MUM) or is_index(name) for name in names):
        return _package(file, content, names, reading, notes)
    return _wrapper(file, content, names, reading, notes, depth)


def _is_top(name: str, ending: str) -> bool:
    return "/" not in name and name.lower().endswith(ending)


def _is_unsafe(name: str) -> bool:
    """Whether unpacking by a careless program would write elsewhere than below the folder it unpacks to."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or ":" in parts[0] or "\0" in name


def _signature(file: PackageFile, reading: PackageReading, notes: _Notes) -> SignatureCheck | None:
    """The check of the file's own signature; a WIM or a folder has none."""
    if file.source is None:
        return UNSIGNED
    check = {"cab": check_cabinet, "msu": check_cabinet, "exe": check_pe}.get(file.kind)
    if check is None or file.source.read_at(0, len(_WIM)) == _WIM:
        return UNSIGNED
    try:
        return check(file.source, roots=reading.roots, as_of=reading.as_of, limits=reading.limits)
    except BuildlabError as error:
        notes.failed("signature", file.path, error)
        return None


def _legacy(
    file: PackageFile, content: PackageContent, names: list[str], reading: PackageReading, notes: _Notes
) -> PackageContent:
    """An update of Windows XP or Server 2003. It states no hashes of its files that catalogues do not."""
    legacy, gaps = read_legacy_package(file, names, reading.limits)
    for name in names:
        if name.lower().endswith(_CATALOGUE) or name.lower().rpartition("/")[2] in _KERNELS:
            path = f"{file.path}!{name}"
            try:
                _note(name, path, file.tree.open(name), reading, notes)
            except BuildlabError as error:
                notes.failed("package-member", path, error)
    return replace(
        content,
        legacy=legacy,
        kernels=tuple(notes.kernels),
        catalogues=tuple(notes.catalogues),
        gaps=(*gaps, *notes.gaps),
    )


def _wrapper(
    file: PackageFile, content: PackageContent, names: list[str], reading: PackageReading, notes: _Notes, depth: int
) -> PackageContent:
    """A file that holds package files, and texts that describe them."""
    properties: PackageProperties | None = None
    installs: tuple[UnattendPackage, ...] = ()
    inner: list[PackageContent] = []
    for name in names:
        path = f"{file.path}!{name}"
        try:
            if _is_top(name, _PROPERTIES):
                properties = read_package_properties(_read(file, name, reading))
            elif _is_top(name, ".xml"):
                installs += read_unattend(_read(file, name, reading), reading.limits) or ()
            elif name.lower() in _METADATA and not reading.deep:
                notes.gaps.append(_not_opened(path))
            elif (package := _inner(file, name, reading, depth)) is not None:
                inner.append(package)
        except BuildlabError as error:
            notes.failed("package", path, error)
    if not inner:
        notes.gaps.append(Gap(subject="package", kind="missing", path=file.path, reason="no package manifest in it"))
    return replace(content, properties=properties, installs=installs, inner=tuple(inner), gaps=tuple(notes.gaps))


def _inner(file: PackageFile, name: str, reading: PackageReading, depth: int) -> PackageContent | None:
    """The package file of this name, None where it is none; what its content looks like decides, not its name."""
    if not file.looks_like_package(name):
        return None
    if depth >= reading.limits.package_depth:
        raise LimitExceededError(f"package files more than {reading.limits.package_depth} deep in one another")
    package = read_package(file.open_inner(name, reading.limits), reading, depth=depth + 1)
    is_partial = any(gap.makes_partial for gap in package.gaps)
    return package if package.manifests or package.inner or package.legacy or is_partial else None


def _not_opened(path: str) -> Gap:
    reason = "metadata for update services; --deep opens it"
    return Gap(subject="metadata", kind="not-applicable", path=path, reason=reason)


def _read(file: PackageFile, name: str, reading: PackageReading) -> bytes:
    return file.tree.read(name, reading.limits.xml_bytes)


def _package(
    file: PackageFile, content: PackageContent, names: list[str], reading: PackageReading, notes: _Notes
) -> PackageContent:
    """A package of Component Based Servicing."""
    tally = PayloadTally()
    wanted: Wanted = (lambda _: True) if reading.verify else _tells
    for member in package_members(file, names, wanted, reading.limits):
        path = f"{file.path}!{member.name}"
        if member.error is not None and is_index(member.name):
            notes.failed("package-index", path, member.error)
        elif reading.verify:
            tally.add(member, path)
        elif member.error is not None:
            notes.failed("package-member", path, member.error)
        if member.source is not None and _tells(member.name):
            _note(member.name, path, member.source, reading, notes)
    if reading.verify:
        tally.compare(notes.components, file.path)
    return replace(
        content,
        manifests=tuple(notes.manifests),
        components=tuple(notes.components),
        kernels=tuple(notes.kernels),
        catalogues=tuple(notes.catalogues),
        payload=tally.count() if reading.verify else None,
        mismatches=tally.mismatches,
        uncovered=tuple(name for name, digests in notes.digests.items() if notes.covered.isdisjoint(digests)),
        gaps=(*first_gaps(notes.gaps), *tally.gaps),
    )


def _tells(name: str) -> bool:
    """Whether a file says what the package is."""
    folded = name.lower()
    return folded.endswith((_MUM, _MANIFEST, _CATALOGUE)) or folded.rpartition("/")[2] in _KERNELS


def _note(name: str, path: str, source: ByteSource, reading: PackageReading, notes: _Notes) -> None:
    """Read one of the files that tell; a gap where it cannot be."""
    folded = name.lower()
    try:
        if folded.rpartition("/")[2] in _KERNELS:
            kernel = _kernel(name, source, reading.limits)
            notes.kernels.append(kernel)
            if kernel.version is None:
                reason = "a kernel without a version resource"
                notes.gaps.append(Gap(subject="package-member", kind="unparsable", path=path, reason=reason))
            return
        data = read_whole(source, path, reading.limits.xml_bytes)
        if folded.endswith(_CATALOGUE):
            _note_catalogue(name, data, reading, notes)
            return
        notes.digests[name] = {hashlib.new(one, data, usedforsecurity=False).digest() for one in _CATALOGUE_DIGESTS}
        if folded.endswith(_MUM):
            notes.manifests.append(PackageManifest(file=name, mum=read_mum(data, reading.limits)))
        else:
            notes.components.append(StoreManifest(file=name, manifest=_component(data, reading.limits)))
    except BuildlabError as error:
        notes.failed("package-member", path, error)


def _component(data: bytes, limits: Limits) -> ComponentManifest:
    """A component's manifest, compressed or not; UnsupportedContentError where only the Windows it is for can tell."""
    if data.startswith(_NEED_BASE):
        raise UnsupportedContentError(
            "a compressed manifest whose base is in the wcp.dll of the Windows that it is for"
        )
    text = decode_manifest(data, limits=limits).text if is_compressed_manifest(data) else data
    return read_manifest(text, limits)


def _note_catalogue(name: str, data: bytes, reading: PackageReading, notes: _Notes) -> None:
    catalogue = read_catalog(data, reading.limits)
    notes.covered |= {member.digest for member in catalogue.members if member.digest is not None}
    notes.catalogues.append(
        CatalogRecord(
            file=name,
            members=len(catalogue.members),
            algorithms=tuple(sorted(catalogue.algorithms)),
            signature=check_catalog(data, roots=reading.roots, as_of=reading.as_of, limits=reading.limits),
        )
    )


def _kernel(name: str, source: ByteSource, limits: Limits) -> KernelFile:
    pe = read_pe(source, limits)
    texts = (table.strings.get("FileVersion") for table in pe.strings)
    return KernelFile(
        path=name,
        machine=pe.machine,
        version=None if pe.file_version is None else str(pe.file_version),
        version_text=next((text for text in texts if text), None),
    )
