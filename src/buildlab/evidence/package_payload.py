"""Counts how the files of a package came out against what the package states of them."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

from buildlab.errors import BuildlabError, UnsupportedContentError
from buildlab.evidence.fact import Gap, gap_kind
from buildlab.evidence.package_content import PayloadCount, StoreManifest
from buildlab.evidence.package_members import Member
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.manifest import ManifestFile

_Came = Literal["absent", "unknown", "right", "wrong"]
"""How one file came out against its manifest."""
_BLOCK = 1 << 20
_MOST_GAPS = 20
_ALGORITHMS = ("sha1", "sha256")
"""Those that manifests state hashes by; both are computed while a file passes, before its manifest is read."""


class PayloadTally:
    """What is stated, made and right, file after file; files of one content count once.

    An index states the hash of each file that it makes. Files that lie in a package as they are are stated by the
    manifest that has the name of their folder.
    """

    def __init__(self) -> None:
        self._stated = 0
        self._made = 0
        self._right = 0
        self._inexact = 0
        self._wrong: list[str] = []
        self._absent = 0
        self._indexed: set[str] = set()
        self._gaps: list[Gap] = []
        self._digests: dict[str, dict[str, str]] = {}

    def add(self, member: Member, path: str) -> None:
        """Take one file, reading it to its end where its hash is not known yet."""
        if member.outcome is not None:
            self._add_indexed(member, path)
        elif member.error is not None:
            self._fail(path, member.error)
        elif member.source is not None and "/" in member.name:
            try:
                self._digests[member.name.lower()] = _digests(member.source)
            except BuildlabError as error:
                self._fail(path, error)

    def _add_indexed(self, member: Member, path: str) -> None:
        self._indexed.add(member.name.lower())
        if not member.is_copy:
            self._stated += 1
            self._made += member.source is not None
            self._right += member.outcome == "exact"
            self._inexact += member.outcome == "not-exact" or isinstance(member.error, UnsupportedContentError)
        if member.outcome == "not-exact":
            self._wrong.append(member.name)
        if member.error is not None:
            self._fail(path, member.error)

    def _fail(self, path: str, error: BuildlabError) -> None:
        self._gaps.append(Gap(subject="payload", kind=gap_kind(error), path=path, reason=error.message))

    def compare(self, components: Iterable[StoreManifest], package: str) -> None:
        """Compare the files that lay in the package with what the manifests, all read by now, state of them.

        Every file is compared; a content counts as right only where each file that is to have it does.
        """
        contents: dict[tuple[str | None, str], set[_Came]] = {}
        compared = set(self._indexed)
        for store in components if self._digests else ():
            folder = store.file.rpartition("/")[2].rpartition(".")[0].lower()
            for file in store.manifest.files:
                name = f"{folder}/{file.name.lower()}"
                if file.digest is None or name in compared:
                    continue
                compared.add(name)
                contents.setdefault((file.algorithm, file.digest), set()).add(self._compare(name, file))
        self._stated += len(contents)
        self._made += sum(came != {"absent"} for came in contents.values())
        self._right += sum("right" in came and "wrong" not in came for came in contents.values())
        if self._absent:
            reason = f"{self._absent} files that manifests state are not in the package"
            self._gaps.append(Gap(subject="payload", kind="missing", path=package, reason=reason))

    def _compare(self, name: str, file: ManifestFile) -> _Came:
        found = self._digests.get(name)
        if found is None:
            self._absent += 1
            return "absent"
        if file.algorithm not in found:
            reason = f"a hash by {file.algorithm}, which is not computed"
            self._gaps.append(Gap(subject="payload", kind="unsupported", path=name, reason=reason))
            return "unknown"
        if found[file.algorithm] == file.digest:
            return "right"
        self._wrong.append(name)
        return "wrong"

    def count(self) -> PayloadCount:
        """The four numbers."""
        return PayloadCount(
            stated=self._stated, reconstructed=self._made, hash_matched=self._right, not_exact=self._inexact
        )

    @property
    def mismatches(self) -> tuple[str, ...]:
        """The files with another hash than the stated one."""
        return tuple(self._wrong)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be made or read; the first ones, and the number of the others."""
        return first_gaps(self._gaps)


def first_gaps(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """The first of many gaps and the number of the others, which count as the worst of them."""
    if len(gaps) <= _MOST_GAPS:
        return tuple(gaps)
    rest = gaps[_MOST_GAPS:]
    worst = next((gap for gap in rest if gap.makes_partial), rest[0])
    reason = f"{len(rest)} more files that could not be read"
    return (*gaps[:_MOST_GAPS], Gap(subject=worst.subject, kind=worst.kind, path=None, reason=reason))


def _digests(source: ByteSource) -> dict[str, str]:
    hashes = {algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in _ALGORITHMS}
    for offset in range(0, source.size, _BLOCK):
        block = source.read_at(offset, _BLOCK)
        for one in hashes.values():
            one.update(block)
    return {algorithm: one.hexdigest() for algorithm, one in hashes.items()}
