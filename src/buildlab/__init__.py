"""buildlab: which Windows is this, which lab built it, and which updates does it really hold?

The public interface; each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from buildlab.version import __version__

if TYPE_CHECKING:
    from buildlab.errors import BuildlabError as BuildlabError
    from buildlab.limits import Limits as Limits
    from buildlab.operations.explain import explain as explain
    from buildlab.operations.scan import ScanOptions as ScanOptions
    from buildlab.operations.scan import scan as scan
    from buildlab.reports.render import render as render
    from buildlab.reports.serialise import json_schema as json_schema
    from buildlab.reports.serialise import scan_from_json as scan_from_json
    from buildlab.results.explanation import Explanation as Explanation
    from buildlab.results.scan import Installation as Installation
    from buildlab.results.scan import Scan as Scan
    from buildlab.results.scan import Update as Update
    from buildlab.sources.target import Target as Target
    from buildlab.sources.target import open_target as open

_PLACES = {
    "BuildlabError": "buildlab.errors",
    "Explanation": "buildlab.results.explanation",
    "Installation": "buildlab.results.scan",
    "Limits": "buildlab.limits",
    "Scan": "buildlab.results.scan",
    "ScanOptions": "buildlab.operations.scan",
    "Target": "buildlab.sources.target",
    "Update": "buildlab.results.scan",
    "explain": "buildlab.operations.explain",
    "json_schema": "buildlab.reports.serialise",
    "open": "buildlab.sources.target",
    "render": "buildlab.reports.render",
    "scan": "buildlab.operations.scan",
    "scan_from_json": "buildlab.reports.serialise",
}

__all__ = [
    "BuildlabError",
    "Explanation",
    "Installation",
    "Limits",
    "Scan",
    "ScanOptions",
    "Target",
    "Update",
    "__version__",
    "explain",
    "json_schema",
    "open",
    "render",
    "scan",
    "scan_from_json",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'buildlab' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), "open_target" if name == "open" else name)


def __dir__() -> list[str]:
    return __all__
