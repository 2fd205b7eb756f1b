"""Plug-ins by discovery: a module in a plug-in package exposes one record, and nobody keeps a list."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

_Record = TypeVar("_Record")


def discover(package: ModuleType, record: type[_Record]) -> tuple[_Record, ...]:
    """Every instance of `record` that a module of `package` holds at top level, in order of module names."""
    found: list[_Record] = []
    for module in pkgutil.iter_modules(package.__path__):
        found += _records(package, record, module.name)
    return tuple(found)


def discover_module(package: ModuleType, record: type[_Record], name: str) -> tuple[_Record, ...]:
    """Those of one module only, by its name in `package`; none where there is no such module."""
    # The name may be a user's word: only those of modules that are there are imported.
    known = name in {module.name for module in pkgutil.iter_modules(package.__path__)}
    return tuple(_records(package, record, name)) if known else ()


def _records(package: ModuleType, record: type[_Record], name: str) -> list[_Record]:
    contents = vars(importlib.import_module(f"{package.__name__}.{name}")).values()
    return [value for value in contents if isinstance(value, record)]
