"""Registry hives: keys and values, dirty hives recovered in memory, damaged ones read as far as they go.

python-registry parses the single records; this module adds what it lacks: checks of the base block, replay of logs,
bounds on every list, big data. Keys with thousands of children are read by `hive_bulk`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from Registry import RegistryParse

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.hive_base_block import LOG_SIZE, SIZE, TYPE_PRIMARY, BaseBlock, parse_base_block
from buildlab.readers.hive_bulk import BulkRead, BulkReader
from buildlab.readers.hive_cells import (
    COMPRESSED_KEY_NAME,
    NK_HEADER,
    PREDEFINED_HANDLE,
    TOMBSTONE_VALUE,
    VK_HEADER,
    HiveCells,
)
from buildlab.readers.hive_log import HiveLog, Replay, replay_logs
from buildlab.readers.hive_names import NamedKey, read_names
from buildlab.readers.hive_value import HiveValue
from buildlab.windows.path import fold_name

_Found = TypeVar("_Found")
_CELL_HEADER = 4


@dataclass(frozen=True, slots=True)
class HiveCheck:
    """One fact about the soundness of a hive: which check, its outcome, and what was seen."""

    check: Literal["hive-checksum", "hive-sequence", "hive-log"]
    outcome: Literal["ok", "replayed", "not-replayed", "damaged", "not-checked"]
    detail: str


class HiveKey:
    """One key. `path` is relative to the hive's root, `written` a FILETIME, `offset` that of the record in the file."""

    __slots__ = ("_cells", "_record", "name", "offset", "path")

    layer = 0
    """In a stack of hives, the number of the one whose key this is."""

    def __init__(self, cells: HiveCells, cell: int, path: str | None) -> None:
        self._cells = cells
        self.offset, length = cells.record(cell, b"nk", NK_HEADER)
        self._record = RegistryParse.NKRecord(cells.data, self.offset, None)
        size = self._record.unpack_word(72)
        self.name = cells.name(
            self.offset + NK_HEADER, size, length - NK_HEADER, bool(self._flags & COMPRESSED_KEY_NAME)
        )
        self.path = "" if path is None else f"{path}\\{self.name}".lstrip("\\")

    @property
    def _flags(self) -> int:
        return int(self._record.unpack_word(2))

    @property
    def written(self) -> int:
        """FILETIME of the last change of the key."""
        return int(self._record.unpack_qword(4))

    @property
    def layer_semantics(self) -> int:
        """How a key of a differencing hive stands to that of the hives below: the last two bits of the byte that is
        unused in others."""
        return int(self._record.unpack_word(12)) >> 8 & 3

    def subkeys(self, faults: list[FormatError] | None = None) -> Iterator["HiveKey"]:
        """The subkeys in stored order. Damaged ones are passed over and put into `faults`; without such a list, the
        first fault is raised when all others have been given."""
        found: list[FormatError] = [] if faults is None else faults
        for cell in self._subkey_cells(found):
            try:
                yield HiveKey(self._cells, cell, self.path)
            except FormatError as error:
                found.append(error)
        if faults is None and found:
            raise found[0]

    def subkeys_like(self, pattern: re.Pattern[str], faults: list[FormatError]) -> Iterator["HiveKey"]:
        """The subkeys whose whole name matches, for keys of which thousands have other names; damage as in
        `subkeys`."""
        for named in self.named_subkeys(faults, with_values=False):
            if pattern.fullmatch(named.name):
                yield HiveKey(self._cells, named.offset - SIZE - _CELL_HEADER, self.path)

    def _subkey_cells(self, faults: list[FormatError]) -> Iterator[int]:
        count, list_cell = self._record.subkey_number(), self._record.unpack_dword(28)
        return self._cells.subkey_cells(list_cell, count, faults) if count else iter(())

    def subkey(self, name: str) -> "HiveKey | None":
        """The subkey of this name (case does not matter), or None; FormatError where damage may hide it."""
        wanted = fold_name(name)
        faults: list[FormatError] = []
        found = next((key for key in self.subkeys(faults) if fold_name(key.name) == wanted), None)
        return self._looked_up(found, faults)

    def values(self, faults: list[FormatError] | None = None) -> Iterator[HiveValue]:
        """The values in stored order; damage as in `subkeys`."""
        found: list[FormatError] = [] if faults is None else faults
        for cell in self._value_cells(found):
            if len(found) >= self._cells.limits.hive_faults:
                break
            try:
                yield self._value(cell)
            except FormatError as error:
                found.append(error)
        if faults is None and found:
            raise found[0]

    def _value_cells(self, faults: list[FormatError]) -> tuple[int, ...]:
        if self._flags & PREDEFINED_HANDLE:
            return ()
        try:
            return self._cells.value_cells(self._record.unpack_dword(40), self._record.values_number())
        except FormatError as error:
            faults.append(error)
            return ()

    def value(self, name: str) -> HiveValue | None:
        """The value of this name (case does not matter), or None; FormatError where damage may hide it."""
        wanted = fold_name(name)
        faults: list[FormatError] = []
        found = next((value for value in self.values(faults) if fold_name(value.name) == wanted), None)
        return self._looked_up(found, faults)

    def _looked_up(self, found: _Found | None, faults: list[FormatError]) -> _Found | None:
        """What a look-up found; "not there" cannot be said of a damaged list."""
        if found is None and faults:
            raise faults[0]
        self._cells.damage.update((fault.offset, fault) for fault in faults)
        return found

    def _value(self, cell: int) -> HiveValue:
        offset, length = self._cells.record(cell, b"vk", VK_HEADER)
        record = RegistryParse.VKRecord(self._cells.data, offset, None)
        size = record.unpack_word(2)
        name = self._cells.name(offset + VK_HEADER, size, length - VK_HEADER, record.has_ascii_name())
        raw = self._cells.value_data(offset, record.raw_data_length(), record.unpack_dword(8))
        return HiveValue(
            name, record.data_type(), raw, offset, tombstone=bool(record.unpack_word(16) & TOMBSTONE_VALUE)
        )

    def bulk_read(self, names: frozenset[str] | None = None, child: str | None = None) -> BulkRead:
        """All subkeys with their values (only those called `names`, in any case) in one pass over the bytes.

        `child` names a key below each of them whose value names are read too.

        It gives what `subkeys` and `values` give, without an object a record. Several values
        of one name: the first counts, as in `value`.
        """
        faults: list[FormatError] = []
        reader = BulkReader(self._cells, names, child, faults)
        keys = tuple(key for cell in self._subkey_cells(faults) if (key := reader.key(cell)) is not None)
        return BulkRead(keys, tuple(faults))

    def named_subkeys(self, faults: list[FormatError], *, with_values: bool = True) -> Iterator[NamedKey]:
        """All subkeys with the names of their values (or without) and no data, in one pass; damaged ones are put into
        `faults`."""
        return read_names(self._cells, self._subkey_cells(faults), faults, with_values=with_values)


class Hive:
    """A hive opened by `open_hive`."""

    def __init__(self, data: bytes | bytearray, base: BaseBlock, checks: tuple[HiveCheck, ...], limits: Limits) -> None:
        self.base = base
        self.checks = checks
        self._limits = limits
        self._cells = HiveCells(data, base.bins_size, base.minor, limits)

    @property
    def damage(self) -> tuple[FormatError, ...]:
        """Damage that was met so far beside what look-ups found."""
        return tuple(self._cells.damage.values())

    @property
    def missing_bytes(self) -> int:
        """Bytes that the base block promises and the file does not have."""
        return SIZE + self.base.bins_size - self._cells.end

    @property
    def replayed(self) -> bool:
        """True when logs were applied."""
        return any(check.outcome == "replayed" for check in self.checks)

    @property
    def is_stale(self) -> bool:
        """True when the hive was being written to and no log could bring it up to date."""
        return any(check.outcome == "not-replayed" for check in self.checks)

    @property
    def root(self) -> HiveKey:
        """The root key; FormatError where it is damaged."""
        return HiveKey(self._cells, self.base.root, None)

    def key(self, path: str) -> HiveKey | None:
        r"""The key at a path such as ``Microsoft\Windows NT\CurrentVersion``, or None where there is none."""
        names = [name for name in path.split("\\") if name]
        if len(names) > self._limits.hive_path_depth:
            raise FormatError("hive", f"a path of {len(names)} keys")
        key: HiveKey | None = self.root
        for name in names:
            if key is None:
                return None
            key = key.subkey(name)
        return key


def open_hive(
    data: bytes,
    logs: Sequence[HiveLog] = (),
    *,
    replay: bool = True,
    limits: Limits = DEFAULT_LIMITS,
) -> Hive:
    """Open the bytes of a hive; a dirty one is brought up to date from `logs` in memory, unless `replay` is False.

    FormatError when there is no hive in them, or one that cannot be a primary hive file.
    """
    checks: list[HiveCheck] = []
    base, problem = _sound_base_block(data)
    if base is None or base.is_dirty:
        result = replay_logs(data, logs, limits) if replay else Replay(data, (), ("left alone as asked",))
        checks += _dirty_checks(base, problem, result)
        data_now: bytes | bytearray = result.data
        if result.applied:
            base = parse_base_block(data_now)
    else:
        data_now = data
        sequence = base.primary_sequence
        checks += [
            HiveCheck("hive-checksum", "ok", "checksum of the base block is right"),
            HiveCheck("hive-sequence", "ok", f"both sequence numbers are {sequence}; no log is needed"),
        ]
    if base is None:
        raise problem or FormatError("hive", "no base block")
    if base.type != TYPE_PRIMARY:
        raise FormatError("hive", f"a file of type {base.type} (a transaction log) and no hive", offset=28)
    if base.major != 1:
        raise FormatError("hive", f"version {base.major}.{base.minor} is not known", offset=20)
    if base.bins_size > limits.hive_bytes:
        raise FormatError("hive", f"states a size of {base.bins_size} bytes", offset=40)
    hive = Hive(data_now, base, tuple(checks), limits)
    if hive.missing_bytes >= base.bins_size:
        raise FormatError("hive", f"cut: {len(data)} of {SIZE + base.bins_size} bytes", offset=len(data))
    return hive


def _sound_base_block(data: bytes) -> tuple[BaseBlock | None, FormatError | None]:
    """The base block, or why there is none. A hive without one can still be recovered from a log."""
    try:
        return parse_base_block(data[:LOG_SIZE]), None
    except FormatError as error:
        return None, error


def _dirty_checks(base: BaseBlock | None, problem: FormatError | None, result: Replay) -> list[HiveCheck]:
    checks: list[HiveCheck] = []
    if base is None or not base.checksum_matches:
        reason = "checksum of the base block is wrong" if problem is None else problem.reason
        checks.append(HiveCheck("hive-checksum", "damaged", reason))
    else:
        checks.append(HiveCheck("hive-checksum", "ok", "checksum of the base block is right"))
    if base is not None:
        numbers = f"sequence numbers {base.primary_sequence} and {base.secondary_sequence}"
        if base.primary_sequence == base.secondary_sequence:
            checks.append(HiveCheck("hive-sequence", "ok", f"{numbers} agree"))
        else:
            checks.append(HiveCheck("hive-sequence", "damaged", f"{numbers} differ: writing was not finished"))
    story = [*(f"applied {line}" for line in result.applied), *(f"refused {line}" for line in result.refused)]
    outcome: Literal["replayed", "not-replayed"] = "replayed" if result.applied else "not-replayed"
    checks.append(HiveCheck("hive-log", outcome, "; ".join(story) or "no transaction log beside the hive"))
    return checks
