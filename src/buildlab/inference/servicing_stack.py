"""Which servicing stack is in force."""

from buildlab.evidence.ledger import Evidence
from buildlab.results.scan import ServicingStack
from buildlab.windows.version import NtVersion

_SUBJECTS = ("servicing_stack.registry", "servicing_stack.version_folder", "servicing_stack.store")


def conclude_servicing_stack(evidence: Evidence) -> ServicingStack:
    """The highest version under CBS ``Version``; then the version folder; then the newest component, which may only be
    staged."""
    for subject in _SUBJECTS:
        found = [
            (version, fact)
            for fact in evidence.all(subject)
            if (version := NtVersion.parse(str(fact.value))) is not None
        ]
        if found:
            version, fact = max(found, key=lambda item: item[0])
            place = fact.source.path if fact.source.key is None else f"{fact.source.path}: {fact.source.key}"
            return ServicingStack(version=str(version), source=place, because=(fact.id,))
    return ServicingStack(version=None, source=None)
