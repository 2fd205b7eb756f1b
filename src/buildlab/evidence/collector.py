"""Collectors: one module of `collectors` for each kind of evidence, found by discovery."""

from collections.abc import Callable
from dataclasses import dataclass

from buildlab.discovery import discover
from buildlab.evidence.ledger import Evidence, Ledger
from buildlab.evidence.windows_root import WindowsRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """One kind of evidence. `paths` are those that it reads, below the Windows folder; ``*`` stands for a name.

    `needs_files` is True for one that has nothing to look for beside loose hives.
    """

    name: str
    paths: tuple[str, ...]
    needs_files: bool
    collect: Callable[[WindowsRoot, Ledger], None]


def collectors() -> tuple[Collector, ...]:
    """All collectors, in the order of their modules."""
    from buildlab.evidence import collectors as package

    return discover(package, Collector)


def collect_evidence(root: WindowsRoot) -> Evidence:
    """Run every collector on one installation. What fails becomes a gap."""
    ledger = Ledger()
    for collector in collectors():
        if collector.needs_files and not root.has_files:
            ledger.gap(collector.name, "not-applicable", None, "only hives were given")
            continue
        with ledger.gap_on_error(collector.name, None):
            collector.collect(root, ledger)
    root.enter_damage(ledger)
    return ledger.evidence()
