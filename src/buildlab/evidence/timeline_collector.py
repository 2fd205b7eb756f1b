"""Collectors of events: one module of `timeline` for each source, found by discovery."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from buildlab.discovery import discover
from buildlab.evidence.collector import collectors
from buildlab.evidence.control_set import current_control_set
from buildlab.evidence.history import History
from buildlab.evidence.ledger import Evidence, Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.hive import HiveKey
from buildlab.windows.time_zone import TimeZone, parse_changeover

_ZONE_KEY = r"Control\TimeZoneInformation"
_NEEDED = ("cbs-packages", "current-version", "package-manifests", "servicing-sessions", "targeting-info")
"""The collectors of the inventory that dates of packages and the KBs of their names need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineCollector:
    """One source of events. `paths` are those that it reads, below the Windows folder; ``*`` stands for a name.

    `needs_files` is True for one that has nothing to look for beside loose hives.
    """

    name: str
    paths: tuple[str, ...]
    needs_files: bool
    collect: Callable[[History], None]


def timeline_collectors() -> tuple[TimelineCollector, ...]:
    """All of them, in the order of their modules."""
    from buildlab.evidence import timeline as package

    return discover(package, TimelineCollector)


def collect_inventory(root: WindowsRoot) -> Evidence:
    """That part of the evidence which `collect_history` needs, where not all of it is wanted."""
    ledger = Ledger()
    for inventory in collectors():
        if inventory.name in _NEEDED and (root.has_files or not inventory.needs_files):
            with ledger.gap_on_error(inventory.name, None):
                inventory.collect(root, ledger)
    return ledger.evidence()


def collect_history(root: WindowsRoot, inventory: Evidence) -> History:
    """Run every collector of events on one installation, of which `inventory` was collected before.

    What fails becomes a gap in the history's own ledger.
    """
    ledger = Ledger()
    history = History(root, ledger, inventory, zone=None)
    with ledger.gap_on_error("time-zone", root.hive_path("SYSTEM")):
        history.zone = _time_zone(root, ledger)
    for collector in timeline_collectors():
        if collector.needs_files and not root.has_files:
            ledger.gap(collector.name, "not-applicable", None, "only hives were given")
            continue
        with ledger.gap_on_error(collector.name, None):
            collector.collect(history)
    root.enter_damage(ledger)
    return history


def _time_zone(root: WindowsRoot, ledger: Ledger) -> TimeZone | None:
    """The zone that the current control set names; None, with a gap, where there is none."""
    control_set = current_control_set(root, ledger)
    if control_set is None:
        return None
    key = root.key("SYSTEM", f"{control_set}\\{_ZONE_KEY}", ledger, subject="time-zone", if_missing="no time zone")
    if key is None:
        return None
    with ledger.gap_on_error("time-zone", root.hive_path("SYSTEM")):
        bias = _minutes(key, "Bias")
        if bias is None:
            ledger.gap("time-zone", "unparsable", root.hive_path("SYSTEM"), "the time zone states no bias")
            return None
        standard, daylight = key.value("StandardStart"), key.value("DaylightStart")
        return TimeZone(
            bias=bias,
            standard_bias=_minutes(key, "StandardBias") or 0,
            daylight_bias=_minutes(key, "DaylightBias") or 0,
            standard_start=None if standard is None else parse_changeover(standard.raw),
            daylight_start=None if daylight is None else parse_changeover(daylight.raw),
        )
    return None


def _minutes(key: HiveKey, name: str) -> int | None:
    """A bias, which is signed; None for one that no zone has."""
    value = key.value(name)
    if value is None or len(value.raw) != 4:
        return None
    minutes = int(struct.unpack("<i", value.raw)[0])
    return minutes if abs(minutes) <= 24 * 60 else None
