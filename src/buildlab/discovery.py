"""Plug-ins by discovery: a module in a plug-in package exposes one record, and nobody keeps a list."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

_Record = TypeVar("_Record")


def discover(package: ModuleType, record: type[_Record]) -> tuple[_Record, ...]:
    """Every instance of `record` that a module of `package` holds at top level, in order of module names."""
    found: list[_Record] = []
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        contents = vars(importlib.import_module(module.name)).values()
        found += [value for value in contents if isinstance(value, record)]
    return tuple(found)
