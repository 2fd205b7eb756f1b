"""Read update packages: open each, read what is in it, conclude what it is, and how they stand to each other."""

import hashlib
import os
import signal
import traceback
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from buildlab.errors import BuildlabError
from buildlab.evidence.fact import Gap, gap_kind
from buildlab.evidence.package_content import PackageContent
from buildlab.evidence.package_reader import PackageReading, read_package
from buildlab.inference.knowledge_age import package_with_age_of_knowledge
from buildlab.inference.package_relations import relate_packages
from buildlab.inference.package_report import conclude_package
from buildlab.knowledge.table import knowledge_date
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.operations.progress import Progress, silent
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.signature_roots import microsoft_roots
from buildlab.results.package_set import PackageSet, UpdatePackage
from buildlab.results.scan import Exit, ScanError, Tool
from buildlab.sources.byte_sources import printable_name
from buildlab.sources.package_files import find_package_files, open_package_file
from buildlab.version import __version__

SCHEMA: Final = "buildlab.packages/1"
_HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagesOptions:
    """How to read packages.

    `verify` decodes every file and compares its hash with the stated one, `deep` opens the metadata for update
    services too. `as_of` is the moment at which certificates without a time stamp have to be valid; `roots` are
    certificates (DER) to trust besides Microsoft's. `jobs` is the number of processes, 0 for one a core.
    """

    as_of: datetime
    verify: bool = False
    deep: bool = False
    roots: tuple[bytes, ...] = ()
    jobs: int = 0
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one file: a package, or an error, which may be a bug of ours."""

    package: UpdatePackage | None
    error: ScanError | None
    is_internal: bool = False


def inspect_packages(
    paths: Sequence[str | Path], options: PackagesOptions | None = None, progress: Progress | None = None
) -> PackageSet:
    """Read packages: files, folders that are an unpacked package, folders full of packages.

    Nothing about the packages raises: what could not be read is in the result. A bug of ours, or a process that dies,
    costs the one file on which it was met. `progress` is called with a few words for each file. The order is that of
    `paths`, and by name inside a folder.
    """
    options = options or PackagesOptions(as_of=datetime.now(UTC))
    tell = progress or silent
    files: list[Path] = []
    errors: list[ScanError] = []
    for path in paths:
        try:
            files += find_package_files(Path(path), options.limits)
        except BuildlabError as error:
            errors.append(_error(error, Path(path)))
    distinct: dict[Path, Path] = {}
    for file in files:
        distinct.setdefault(file.absolute(), file)
    outcomes = list(_read_all(list(distinct.values()), options, tell))
    packages = tuple(outcome.package for outcome in outcomes if outcome.package is not None)
    errors += [outcome.error for outcome in outcomes if outcome.error is not None]
    return PackageSet(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        as_of=options.as_of.date().isoformat(),
        packages=packages,
        relations=relate_packages(packages),
        errors=tuple(errors),
        exit=_exit(packages, errors, any(outcome.is_internal for outcome in outcomes)),
    )


def _read_all(files: list[Path], options: PackagesOptions, tell: Progress) -> Iterator[_Outcome]:
    """The outcome of each file, in the order of `files`; several at once where there are several."""
    jobs = min(options.jobs or os.cpu_count() or 1, len(files))
    if jobs <= 1:
        for number, file in enumerate(files, start=1):
            tell(f"reading {file.name} ({number} of {len(files)})", (number - 1) / len(files))
            yield _read(file, options)
        return
    done: dict[Path, _Outcome] = {}
    with closing(_read_by_processes(files, options, jobs)) as outcomes:
        for file, outcome in outcomes:
            done[file] = outcome
            tell(f"read {file.name} ({len(done)} of {len(files)})", len(done) / len(files))
    yield from (done[file] for file in files)


def _read_by_processes(
    files: list[Path], options: PackagesOptions, jobs: int
) -> Generator[tuple[Path, _Outcome], None, None]:
    """Each file with its outcome, as they come. The death of a process takes the results of the others that are under
    way with it: what is left is then read by one process after another, each dying for the one file that kills it."""
    left = dict.fromkeys(files)
    with _pool(jobs) as pool:
        waiting = {pool.submit(_read, file, options): file for file in files}
        try:
            for future in as_completed(waiting):
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    continue
                del left[waiting[future]]
                yield waiting[future], outcome
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for file in left:
        with _pool(1) as pool:
            try:
                yield file, pool.submit(_read, file, options).result()
            except BrokenProcessPool:
                yield file, _internal("the process that read it died", file)


def _pool(jobs: int) -> ProcessPoolExecutor:
    """Processes that end at once where the user interrupts, and not each file after another."""
    return ProcessPoolExecutor(jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL))


def _read(path: Path, options: PackagesOptions) -> _Outcome:
    try:
        reading = PackageReading(
            as_of=options.as_of,
            roots=microsoft_roots().with_further(options.roots) if options.roots else microsoft_roots(),
            verify=options.verify,
            deep=options.deep,
            limits=options.limits,
        )
        with open_package_file(path, options.limits) as file:
            content = read_package(file, reading)
            if file.source is not None:
                content = _with_digests(content, file.source)
        return _Outcome(package_with_age_of_knowledge(conclude_package(content), knowledge_date()), None)
    except BuildlabError as error:
        return _Outcome(None, _error(error, path))
    except Exception as error:  # noqa: BLE001 - a bug of ours: the other packages are not to be lost
        traceback.print_exc()
        return _internal(f"{type(error).__name__}: {error}", path)


def _internal(message: str, path: Path) -> _Outcome:
    """The outcome of a file on which a bug of ours was met."""
    where = printable_name(str(path))
    error = ScanError(kind="damaged", message=f"internal error: {message}", path=where, hint="please report it")
    return _Outcome(None, error, is_internal=True)


def _with_digests(content: PackageContent, source: ByteSource) -> PackageContent:
    """The content with the hashes of its file; with a gap beside all else where it cannot be read whole."""
    try:
        sha1, sha256 = _digests(source)
    except BuildlabError as error:
        reason = f"the file cannot be hashed: {error.message}"
        gap = Gap(subject="package", kind=gap_kind(error), path=content.path, reason=reason)
        return replace(content, gaps=(*content.gaps, gap))
    return replace(content, sha1=sha1, sha256=sha256)


def _digests(source: ByteSource) -> tuple[str, str]:
    """SHA-1, which Microsoft's catalogue puts into file names, and SHA-256 of a file."""
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    for offset in range(0, source.size, _HASH_BLOCK):
        block = source.read_at(offset, _HASH_BLOCK)
        sha1.update(block)
        sha256.update(block)
    return sha1.hexdigest(), sha256.hexdigest()


def _error(error: BuildlabError, path: Path) -> ScanError:
    where = printable_name(error.path or str(path))
    return ScanError(kind=error.kind, message=error.message, path=where, offset=error.offset, hint=error.hint)


def _holds_none(package: UpdatePackage) -> bool:
    """Whether a file that could hold a package was read and has none."""
    return any(gap.subject == "package" and gap.kind == "missing" for gap in package.gaps)


def _exit(packages: tuple[UpdatePackage, ...], errors: list[ScanError], is_internal: bool) -> Exit:
    if is_internal:
        return Exit(code=5, reason="internal")
    if all(_holds_none(package) for package in packages):
        return Exit(code=3, reason="unreadable")
    every = [*packages]
    for package in every:
        every += package.contains
    if errors or any(gap.makes_partial for package in every for gap in package.gaps):
        return Exit(code=4, reason="partial")
    wrong = any(finding.kind == "hash-mismatch" for package in every for finding in package.findings)
    signatures = [package.signature for package in every]
    signatures += [catalogue.signature for package in every for catalogue in package.catalogues]
    invalid = any(signature.verified == "invalid" for signature in signatures)
    return Exit(code=1, reason="policy") if wrong or invalid else Exit(code=0, reason="done")
