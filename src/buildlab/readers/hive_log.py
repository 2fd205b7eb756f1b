"""Replay of registry transaction logs in memory.

Two formats exist: ``DIRT`` (to Windows 8), whole dirty sectors behind a bitmap, and ``HvLE`` (from Windows 8.1),
a journal of hashed entries. Which one a log has is told by its content. Rules as in the public descriptions of the
regf format, confirmed byte for byte on hives that Windows itself recovered.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.hive_base_block import (
    LOG_SIZE,
    SIZE,
    TYPE_LOG_NEW,
    TYPE_PRIMARY,
    TYPES_LOG_OLD,
    BaseBlock,
    checksum,
    parse_base_block,
)

_MARVIN_SEED = 0x82EF4D887A4E55C5
_MASK = 0xFFFFFFFF
_SECTOR = 512
_PAGE = 4096
_HASH_STEP = 1 << 16
_LOG_SLACK = 16 << 20
_ENTRY = struct.Struct("<4sIIIIIQQ")
_BASE_TYPE_OFFSET = 28


@dataclass(frozen=True, slots=True)
class HiveLog:
    """One transaction log: the name by which messages call it, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """The hive after replay. `applied` and `refused` say of each log what was done with it, and why."""

    data: bytes | bytearray
    applied: tuple[str, ...]
    refused: tuple[str, ...]


def marvin32(data: bytes | bytearray | memoryview) -> int:
    """Marvin32 with the seed that the registry uses; 64 bits."""
    low, high = _MARVIN_SEED & _MASK, _MARVIN_SEED >> 32
    whole = len(data) & ~3
    for start in range(0, whole, _HASH_STEP):
        count = min(_HASH_STEP, whole - start) // 4
        low, high = _marvin_mix(low, high, struct.unpack_from(f"<{count}I", data, start))
    tail = int.from_bytes(bytes(data[whole:]) + b"\x80", "little")
    low, high = _marvin_mix(low, high, (tail, 0))
    return high << 32 | low


def _marvin_mix(low: int, high: int, words: tuple[int, ...]) -> tuple[int, int]:
    for word in words:
        low = (low + word) & _MASK
        high ^= low
        low = ((low << 20 | low >> 12) + high) & _MASK
        high = ((high << 9 | high >> 23) & _MASK) ^ low
        low = ((low << 27 | low >> 5) + high) & _MASK
        high = (high << 19 | high >> 13) & _MASK
    return low, high


def replay_logs(primary: bytes, logs: Sequence[HiveLog], limits: Limits) -> Replay:
    """Apply `logs` to a dirty hive. `primary` is not changed; a clean hive must not be given.

    A log is refused, with its reason, when it is cut, damaged, older than the hive, or of another hive. FormatError
    when `primary` has no base block and no log supplies one.
    """
    try:
        base: BaseBlock | None = parse_base_block(primary)
    except FormatError:
        base = None
    if base is not None and not base.checksum_matches:
        base = None
    # New bins are dirty bins: a hive cannot grow by more than its logs hold, whatever they state.
    ceiling = min(limits.hive_bytes, len(primary) + sum(len(log.data) for log in logs))
    refused: list[str] = []
    old: list[tuple[HiveLog, BaseBlock]] = []
    new: list[tuple[HiveLog, BaseBlock]] = []
    for log in logs:
        reason, block = _examine(log, base, ceiling, len(primary), limits)
        if block is None:
            refused.append(f"{log.name}: {reason}")
        else:
            (new if block.type == TYPE_LOG_NEW else old).append((log, block))
    if not new and not old:
        return Replay(primary, (), tuple(refused))
    if new:
        refused += [f"{log.name}: old format beside a log of the new one" for log, _ in old]
        return _replay_new(bytearray(primary), base, new, refused, ceiling)
    return _replay_old(bytearray(primary), old, refused)


def _examine(
    log: HiveLog, base: BaseBlock | None, ceiling: int, hive_size: int, limits: Limits
) -> tuple[str, BaseBlock | None]:
    """Why a log cannot be used, or its base block. `base` is the hive's own block where that is sound."""
    if not log.data:
        return "empty", None
    largest = min(limits.hive_log_bytes, 2 * hive_size + _LOG_SLACK)
    if len(log.data) > largest:
        return f"{len(log.data)} bytes, more than a log of this hive has", None
    try:
        block = parse_base_block(log.data)
    except FormatError as error:
        return error.reason, None
    if not block.checksum_matches:
        return "checksum of its base block is wrong", None
    if block.type not in (*TYPES_LOG_OLD, TYPE_LOG_NEW):
        return f"type {block.type} is not that of a log", None
    if block.bins_size % _PAGE or block.bins_size > ceiling:
        return f"states a hive of {block.bins_size} bytes, which hive and logs together do not hold", None
    if base is None:
        return "", block
    if base.file_name.lower() != block.file_name.lower() and base.file_name and block.file_name:
        return f"belongs to another hive ({block.file_name})", None
    if any(base.resource_manager) and any(block.resource_manager) and base.resource_manager != block.resource_manager:
        return "belongs to another hive (its identifier differs)", None
    if block.type in TYPES_LOG_OLD:
        if block.primary_sequence != block.secondary_sequence:
            return "was not completely written", None
        if block.written != base.written:
            return "time stamp differs from the hive's: it belongs to another state of it", None
    elif _before(block.primary_sequence, base.secondary_sequence):
        return f"stale: sequence {block.primary_sequence} is before the hive's {base.secondary_sequence}", None
    return "", block


def _before(first: int, second: int) -> bool:
    """Order of two sequence numbers that wrap at 32 bits."""
    return 0 < (second - first) & _MASK < 0x80000000


def _replay_new(
    data: bytearray,
    base: BaseBlock | None,
    logs: list[tuple[HiveLog, BaseBlock]],
    refused: list[str],
    ceiling: int,
) -> Replay:
    if len(logs) == 2 and _before(logs[1][1].primary_sequence, logs[0][1].primary_sequence):
        logs = [logs[1], logs[0]]
    applied: list[str] = []
    last: int | None = None
    bins_size = 0
    for log, block in logs:
        if last is not None and block.primary_sequence != (last + 1) & _MASK:
            refused.append(f"{log.name}: does not continue the other log (sequence {block.primary_sequence})")
            continue
        first = expected = block.primary_sequence
        offset, count = LOG_SIZE, 0
        if base is None and last is None:
            pending_header: bytes | None = log.data[:LOG_SIZE]
        else:
            pending_header = None
        while (entry := _entry_at(log.data, offset, expected, ceiling)) is not None:
            if pending_header is not None:
                _write(data, 0, pending_header)
                pending_header = None
            bins_size, pages, size = entry
            if len(data) < SIZE + bins_size:
                data.extend(bytes(SIZE + bins_size - len(data)))
            for target, source, length in pages:
                data[SIZE + target : SIZE + target + length] = log.data[source : source + length]
            last, offset, count = expected, offset + size, count + 1
            expected = (expected + 1) & _MASK
        if count:
            applied.append(f"{log.name}: {count} entries, sequence {first} to {last}")
        else:
            refused.append(f"{log.name}: no valid entry")
    if last is None:
        return Replay(bytes(data), (), tuple(refused))
    _finish(data, bins_size, (last + 1) & _MASK)
    return Replay(data, tuple(applied), tuple(refused))


def _entry_at(
    log: bytes, offset: int, expected: int, ceiling: int
) -> tuple[int, list[tuple[int, int, int]], int] | None:
    """The valid HvLE entry at `offset`: (size of the bins, pages as (target, source, length), size), or None."""
    if offset + _ENTRY.size > len(log):
        return None
    signature, size, _flags, sequence, bins_size, count, hash_1, hash_2 = _ENTRY.unpack_from(log, offset)
    if signature != b"HvLE" or sequence != expected or size % _SECTOR or size < _ENTRY.size or offset + size > len(log):
        return None
    if bins_size % _PAGE or bins_size > ceiling or _ENTRY.size + 8 * count > size:
        return None
    view = memoryview(log)[offset : offset + size]
    if marvin32(view[:32]) != hash_2:
        return None
    pages: list[tuple[int, int, int]] = []
    source = _ENTRY.size + 8 * count
    for index in range(count):
        target, length = struct.unpack_from("<II", view, _ENTRY.size + 8 * index)
        if target % _PAGE or length % _PAGE or target + length > bins_size or source + length > size:
            return None
        pages.append((target, offset + source, length))
        source += length
    if size - source >= _PAGE or marvin32(view[_ENTRY.size :]) != hash_1:  # padding fills the last sector, or page
        return None
    return bins_size, pages, size


def _replay_old(data: bytearray, logs: list[tuple[HiveLog, BaseBlock]], refused: list[str]) -> Replay:
    """At most one log of the old format can be the right one; the newer is taken when both could be."""
    logs = sorted(logs, key=lambda item: item[1].primary_sequence, reverse=True)
    for index, (log, block) in enumerate(logs):
        problem, sectors = _dirty_sectors(log.data, block)
        if problem is not None:
            refused.append(f"{log.name}: {problem}")
            continue
        if len(data) < SIZE + block.bins_size:
            data.extend(bytes(SIZE + block.bins_size - len(data)))
        for number, source in sectors:
            data[SIZE + number * _SECTOR : SIZE + (number + 1) * _SECTOR] = log.data[source : source + _SECTOR]
        _write(data, 0, log.data[:LOG_SIZE])
        _finish(data, block.bins_size, block.primary_sequence)
        refused += [f"{other.name}: another log was applied" for other, _ in logs[index + 1 :]]
        return Replay(data, (f"{log.name}: {len(sectors)} sectors",), tuple(refused))
    return Replay(bytes(data), (), tuple(refused))


def _dirty_sectors(log: bytes, block: BaseBlock) -> tuple[str | None, list[tuple[int, int]]]:
    """Why the log has none, or (sector number, offset in the log) of each dirty sector."""
    start = _SECTOR * max(1, min(block.clustering, 8))
    if log[start : start + 4] != b"DIRT":
        return f"marked {log[start : start + 4]!r}, not 'DIRT'", []
    bits = block.bins_size // _SECTOR
    bitmap = log[start + 4 : start + 4 + (bits + 7) // 8]
    if len(bitmap) * 8 < bits:
        return "cut inside its bitmap", []
    source = -(-(start + 4 + len(bitmap)) // _SECTOR) * _SECTOR
    sectors: list[tuple[int, int]] = []
    for index, byte in enumerate(bitmap):
        while byte:
            number = index * 8 + (byte & -byte).bit_length() - 1
            byte &= byte - 1
            if number >= bits:
                return "its bitmap marks sectors behind the hive", []
            sectors.append((number, source))
            source += _SECTOR
    if source > len(log):
        return "cut inside its sectors", []
    if not sectors:
        return "holds no dirty sector", []
    return None, sectors


def _write(data: bytearray, offset: int, content: bytes) -> None:
    if len(data) < offset + len(content):
        data.extend(bytes(offset + len(content) - len(data)))
    data[offset : offset + len(content)] = content


def _finish(data: bytearray, bins_size: int, sequence: int) -> None:
    """Make the base block that of a clean hive, as Windows does when it has recovered one."""
    struct.pack_into("<II", data, 4, sequence, sequence)
    struct.pack_into("<I", data, _BASE_TYPE_OFFSET, TYPE_PRIMARY)
    struct.pack_into("<I", data, 40, bins_size)
    struct.pack_into("<I", data, 508, checksum(data))
