"""Evidence of packages, field by field: what a test does not name is not there."""

from dataclasses import dataclass, field
from typing import Any

from buildlab.evidence.fact import CbsPackage, FactValue, ManifestRecord, Place, SessionName
from buildlab.evidence.ledger import Evidence, Ledger

TOKEN = "31bf3856ad364e35"
_PLACE = Place(path="/Windows/x", method="test")


def name(stem: str, version: str = "6.0.1.0", architecture: str = "amd64", language: str = "") -> str:
    """A package identity."""
    return f"{stem}~{TOKEN}~{architecture}~{language}~{version}"


@dataclass
class Machine:
    """A list of packages that is built step by step."""

    ledger: Ledger = field(default_factory=Ledger)

    def fact(self, subject: str, value: FactValue) -> str:
        return self.ledger.fact(subject, value, _PLACE).id

    def package(self, identity: str, state: int | None = 0x70, **fields: Any) -> str:
        """Enter one key of the list of packages; the id of its fact."""
        fact = self.ledger.fact("package.state", state, _PLACE)
        values: dict[str, Any] = {
            "visibility": 1,
            "install_client": None,
            "install_user": None,
            "install_name": None,
            "install_location": None,
            "install_time": None,
            "last_error": None,
            "self_update": None,
            "trusted": None,
            "written": 0,
            "owners": (),
        }
        self.ledger.package(CbsPackage(name=identity, fact=fact, state=state, **(values | fields)))
        return fact.id

    def manifest(self, identity: str, **fields: Any) -> str:
        """Enter one manifest; the id of its fact."""
        fact = self.ledger.fact("package.manifest", identity, _PLACE)
        names = ("kb", "title", "release_type", "support_url", "restart", "permanence")
        self.ledger.manifest(ManifestRecord(name=identity, fact=fact, **(dict.fromkeys(names) | fields)))
        return fact.id

    def session(self, identity: str, kb: str) -> str:
        """Enter what a session called a package; the id of its fact."""
        fact = self.ledger.fact("session.package", f"{identity} {kb}", _PLACE)
        self.ledger.session_name(SessionName(identity=identity, kb=kb, client=None, fact=fact))
        return fact.id

    @property
    def evidence(self) -> Evidence:
        return self.ledger.evidence()
