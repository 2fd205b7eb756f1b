"""The one function that turns results into JSON, and the schema that is generated from the same classes."""

from typing import Any

import msgspec

from buildlab.results.scan import Scan

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def to_json(result: object, *, indent: int = 2) -> str:
    """A result as JSON; `indent` 0 keeps it on one line."""
    data = msgspec.json.encode(result)
    return (msgspec.json.format(data, indent=indent) if indent else data).decode()


def scan_from_json(data: bytes | str) -> Scan:
    """A saved scan; msgspec.ValidationError where it is none."""
    return msgspec.json.decode(data, type=Scan)


def _schemas() -> dict[str, Any]:
    from buildlab.results.check import Check
    from buildlab.results.diff import Diff
    from buildlab.results.knowledge_state import KnowledgeImport, KnowledgeState, KnowledgeVerification
    from buildlab.results.package_set import PackageSet
    from buildlab.results.timeline import Timeline

    return {
        "scan": Scan,
        "packages": PackageSet,
        "check": Check,
        "diff": Diff,
        "timeline": Timeline,
        "knowledge-show": KnowledgeState,
        "knowledge-import": KnowledgeImport,
        "knowledge-verify": KnowledgeVerification,
    }


def schema_names() -> tuple[str, ...]:
    """The results that have a schema."""
    return tuple(_schemas())


def json_schema(name: str) -> str:
    """The JSON Schema of a result, as text."""
    schema = {"$schema": _DIALECT, "title": f"buildlab.{name}/1", **msgspec.json.schema(_schemas()[name])}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
