"""The files of a package whose index says that they are made of each other, made one after the other.

The order is chosen so that few files are held: of the files made from one basis, that with the fewest files on top of
it comes first, and the basis is let go with the last. So at most log2(files) + 1 files are in memory at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.cix import ContainerIndex, ContentSource, IndexedFile
from buildlab.readers.delta import DeltaMismatchError, apply_delta

Fetch = Callable[[ContentSource], bytes]
"""Gives the bytes of a source; raises a BuildlabError where it cannot."""

Outcome = Literal["exact", "unverified", "not-exact", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A file of the index and what became of it.

    `outcome` is "exact" (length and hash are those stated), "unverified" (made, but no hash is stated), "not-exact"
    (made, and the hash is another) or "failed" (not made). `data` is the content in the first two cases and None in
    the others, where `error` says why.
    """

    file: IndexedFile
    outcome: Outcome
    data: bytes | None
    error: BuildlabError | None


def members_of_cabinet(member: Callable[[str], bytes]) -> Fetch:
    """Sources by name, through `member`, which gives the content of a member of the cabinet."""

    def fetch(source: ContentSource) -> bytes:
        if not source.name:
            raise FormatError("cix", "a source has no member name")
        return member(source.name)

    return fetch


def slices_of_psf(psf: ByteSource) -> Fetch:
    """Sources by place, out of a patch storage file."""

    def fetch(source: ContentSource) -> bytes:
        if source.offset is None or source.length is None:
            raise FormatError("cix", "a source has no place in the patch storage file")
        if source.length > psf.size or source.offset > psf.size - source.length:
            raise TruncatedError(
                f"patch storage file of {psf.size} bytes cut before {source.offset + source.length}", offset=psf.size
            )
        return psf.read_at(source.offset, source.length)

    return fetch


class IntraPackageDelta:
    """Makes every file of an index.

    `fetch` gives the bytes of a source (`members_of_cabinet`, `slices_of_psf`). `stored_order` names the members in the
    order in which they lie in the cabinet: files that are stored whole are then asked for in that order, so that a
    cabinet of one folder is read from front to end; what `delta_members` names is asked for in between.
    """

    def __init__(
        self,
        index: ContainerIndex,
        fetch: Fetch,
        *,
        stored_order: Sequence[str] = (),
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.index = index
        self._fetch = fetch
        self._limits = limits
        self._files = {file.id: file for file in index.files}
        place = {name: number for number, name in enumerate(stored_order)}
        self._place = {
            file.id: place.get(file.source.name or "", len(place)) if file.source is not None else len(place)
            for file in index.files
        }
        total = sum(file.length for file in index.files)
        if total > limits.package_bytes:
            raise LimitExceededError(f"a package of {total} bytes; {limits.package_bytes} are the most")

    @property
    def delta_members(self) -> frozenset[str]:
        """Names of the members that are deltas: mostly small, and asked for out of the order of the cabinet."""
        sources = [file.source for file in self.index.files if file.source is not None]
        return frozenset(source.name for source in sources if source.name and not source.is_stored)

    def __iter__(self) -> Iterator[MadeFile]:
        """Every file of the index once, each behind the file that it is made of.

        A file that cannot be made fails alone with those that are made of it. What the index says of how they hang
        together (a circle, a basis that does not exist, a chain that is too long) is such a failure too.
        """
        children, roots, failed = self._forest()
        yield from (MadeFile(file=file, outcome="failed", data=None, error=error) for file, error in failed)
        weights = self._weights(children, roots)
        for siblings in children.values():
            siblings.sort(key=lambda id: weights[id])
        held: dict[int, bytes | BuildlabError] = {}
        waiting = {id: len(ids) for id, ids in children.items()}
        held_bytes = 0
        stack = list(reversed(roots))
        while stack:
            id = stack.pop()
            file = self._files[id]
            basis = _basis(file)
            base = b"" if basis is None else held[basis]
            if isinstance(base, bytes):
                made = self._make(file, base)
            else:
                made = MadeFile(file=file, outcome="failed", data=None, error=base)
            if basis is not None:
                waiting[basis] -= 1
                if not waiting[basis]:
                    held_bytes -= _size(held.pop(basis))
            if id in children:
                held[id] = kept = self._kept(made, held_bytes)
                held_bytes += _size(kept)
                stack.extend(reversed(children[id]))
            yield made

    def _forest(
        self,
    ) -> tuple[dict[int, list[int]], list[int], list[tuple[IndexedFile, BuildlabError]]]:
        """Which files are made of which, those that are made of none, and those that hang on nothing that is."""
        children: dict[int, list[int]] = defaultdict(list)
        roots = []
        for file in self.index.files:
            basis = _basis(file)
            if basis is None:
                roots.append(file.id)
            else:
                children[basis].append(file.id)
        roots.sort(key=lambda id: self._place[id])
        reached: set[int] = set()
        level = roots
        for _ in range(self._limits.package_basis_depth):
            reached.update(level)
            level = [child for id in level for child in children.get(id, ())]
        failed: list[tuple[IndexedFile, BuildlabError]] = []
        for file in self.index.files:
            if file.id not in reached:
                basis = _basis(file)
                reason = "rests on no stored file, or at too great a depth" if basis in self._files else "is missing"
                failed.append((file, FormatError("cix", f"{file.name!r}: its basis {basis} {reason}")))
        sound = {id: [child for child in children[id] if child in reached] for id in children if id in reached}
        return {id: ids for id, ids in sound.items() if ids}, roots, failed

    def _weights(self, children: dict[int, list[int]], roots: list[int]) -> dict[int, int]:
        """How many files are made of each, itself included."""
        order = list(roots)
        for id in order:  # grows while it is gone through
            order.extend(children.get(id, ()))
        weights = dict.fromkeys(order, 1)
        for id in reversed(order):
            weights[id] += sum(weights[child] for child in children.get(id, ()))
        return weights

    def _kept(self, made: MadeFile, held: int) -> bytes | BuildlabError:
        """The basis of other files, or why it is none."""
        name = made.file.name
        if made.data is None:
            return FormatError("cix", f"made of {name!r}, which failed: {made.error}")
        if held + len(made.data) > self._limits.package_bytes_held:
            return LimitExceededError(f"made of {name!r}, which does not fit in memory beside the {held} bytes there")
        return made.data

    def _make(self, file: IndexedFile, base: bytes) -> MadeFile:
        try:
            data = self._content(file, base)
            _check(file, data)
        except DeltaMismatchError as error:
            return MadeFile(file=file, outcome="not-exact", data=None, error=error)
        except BuildlabError as error:
            return MadeFile(file=file, outcome="failed", data=None, error=error)
        return MadeFile(file=file, outcome="unverified" if file.hash is None else "exact", data=data, error=None)

    def _content(self, file: IndexedFile, base: bytes) -> bytes:
        source = file.source
        if source is None:
            return base
        data = self._fetch(source)
        if source.length is not None and len(data) != source.length:
            raise TruncatedError(f"the source of {file.name!r} has {len(data)} of {source.length} bytes")
        if source.hash is not None and not source.hash.matches(data):
            raise FormatError("cix", f"the source of {file.name!r} does not have its {source.hash.algorithm}")
        return data if source.is_stored else apply_delta(data, base, self._limits, expected_size=file.length)


def _basis(file: IndexedFile) -> int | None:
    """What a file is made of; a content that is stored whole is made of nothing, whatever is written beside."""
    return None if file.source is not None and file.source.is_stored else file.basis


def _size(kept: bytes | BuildlabError) -> int:
    return len(kept) if isinstance(kept, bytes) else 0


def _check(file: IndexedFile, data: bytes) -> None:
    if len(data) != file.length:
        raise FormatError("cix", f"{file.name!r} has {len(data)} bytes, not {file.length}")
    if file.hash is not None and not file.hash.matches(data):
        reason = f"{file.name!r} does not have its {file.hash.algorithm}"
        is_delta = file.source is not None and not file.source.is_stored
        raise DeltaMismatchError("cix", reason) if is_delta else FormatError("cix", reason)
