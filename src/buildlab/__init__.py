"""buildlab: which Windows is this, which lab built it, and which updates does it really hold?

The public interface; each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from buildlab.version import __version__

if TYPE_CHECKING:
    from buildlab.checks.policy import Policy as Policy
    from buildlab.checks.policy import read_policy as read_policy
    from buildlab.errors import BuildlabError as BuildlabError
    from buildlab.errors import PolicyError as PolicyError
    from buildlab.limits import Limits as Limits
    from buildlab.operations.check import CheckOptions as CheckOptions
    from buildlab.operations.check import check as check
    from buildlab.operations.diff import diff as diff
    from buildlab.operations.explain import explain as explain
    from buildlab.operations.packages import PackagesOptions as PackagesOptions
    from buildlab.operations.packages import inspect_packages as inspect_packages
    from buildlab.operations.scan import ScanOptions as ScanOptions
    from buildlab.operations.scan import scan as scan
    from buildlab.operations.timeline import TimelineOptions as TimelineOptions
    from buildlab.operations.timeline import timeline as timeline
    from buildlab.reports.render import render as render
    from buildlab.reports.serialise import json_schema as json_schema
    from buildlab.reports.serialise import scan_from_json as scan_from_json
    from buildlab.results.check import Check as Check
    from buildlab.results.check import Finding as Finding
    from buildlab.results.diff import Diff as Diff
    from buildlab.results.explanation import Explanation as Explanation
    from buildlab.results.package_set import PackageSet as PackageSet
    from buildlab.results.package_set import UpdatePackage as UpdatePackage
    from buildlab.results.scan import Installation as Installation
    from buildlab.results.scan import Scan as Scan
    from buildlab.results.scan import Update as Update
    from buildlab.results.timeline import Timeline as Timeline
    from buildlab.sources.target import Target as Target
    from buildlab.sources.target import open_target as open

_PLACES = {
    "BuildlabError": "buildlab.errors",
    "Check": "buildlab.results.check",
    "CheckOptions": "buildlab.operations.check",
    "Diff": "buildlab.results.diff",
    "Explanation": "buildlab.results.explanation",
    "Finding": "buildlab.results.check",
    "Installation": "buildlab.results.scan",
    "Limits": "buildlab.limits",
    "PackageSet": "buildlab.results.package_set",
    "PackagesOptions": "buildlab.operations.packages",
    "Policy": "buildlab.checks.policy",
    "PolicyError": "buildlab.errors",
    "Scan": "buildlab.results.scan",
    "ScanOptions": "buildlab.operations.scan",
    "Target": "buildlab.sources.target",
    "Timeline": "buildlab.results.timeline",
    "TimelineOptions": "buildlab.operations.timeline",
    "Update": "buildlab.results.scan",
    "UpdatePackage": "buildlab.results.package_set",
    "check": "buildlab.operations.check",
    "diff": "buildlab.operations.diff",
    "explain": "buildlab.operations.explain",
    "inspect_packages": "buildlab.operations.packages",
    "json_schema": "buildlab.reports.serialise",
    "open": "buildlab.sources.target",
    "read_policy": "buildlab.checks.policy",
    "render": "buildlab.reports.render",
    "scan": "buildlab.operations.scan",
    "scan_from_json": "buildlab.reports.serialise",
    "timeline": "buildlab.operations.timeline",
}

__all__ = [
    "BuildlabError",
    "Check",
    "CheckOptions",
    "Diff",
    "Explanation",
    "Finding",
    "Installation",
    "Limits",
    "PackageSet",
    "PackagesOptions",
    "Policy",
    "PolicyError",
    "Scan",
    "ScanOptions",
    "Target",
    "Timeline",
    "TimelineOptions",
    "Update",
    "UpdatePackage",
    "__version__",
    "check",
    "diff",
    "explain",
    "inspect_packages",
    "json_schema",
    "open",
    "read_policy",
    "render",
    "scan",
    "scan_from_json",
    "timeline",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'buildlab' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), "open_target" if name == "open" else name)


def __dir__() -> list[str]:
    return __all__
