"""Evidence from a dict: the facts that matter to one test and no others."""

from buildlab.evidence.fact import CbsPackage, FactValue, Integrity, Place
from buildlab.evidence.ledger import Evidence, Ledger


def evidence_of(facts: dict[str, FactValue], packages: dict[str, int] | None = None, stale: bool = False) -> Evidence:
    ledger = Ledger()
    for subject, value in facts.items():
        ledger.fact(subject, value, Place(path="/Windows/x", method="test"))
    for name, state in (packages or {}).items():
        ledger.package(
            CbsPackage(
                name=name,
                fact=ledger.fact("package.state", state, Place(path="/Windows/x", method="test")),
                state=state,
                visibility=None,
                install_client=None,
                install_user=None,
                install_name=None,
                install_location=None,
                install_time=None,
                last_error=None,
                self_update=None,
                trusted=None,
                written=0,
                owners=(),
            )
        )
    if stale:
        ledger.integrity(Integrity(path="/Windows/x", check="hive-log", outcome="not-replayed", detail=""))
    return ledger.evidence()
