"""Policies: what a team asks of its images, in a TOML file. What a policy says that is not known is an error with its
line, for a rule that is misspelled would never be broken."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from buildlab.checks.rule import all_rules
from buildlab.errors import PolicyError
from buildlab.results.check import Finding, Severity
from buildlab.results.scan import UpdateState
from buildlab.windows.version import NtVersion

SignatureDemand = Literal["any", "not-invalid", "valid"]
_KB = re.compile(r"KB\d{5,8}")
_TOML_LINE = re.compile(r"\(at line (\d+)")
_SEVERITIES = ("block", "warn", "info")
_STATES: tuple[UpdateState, ...] = get_args(UpdateState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that is accepted: of one rule, for one KB or all, with the reason, until a day (itself included)."""

    rule: str
    reason: str
    until: date | None
    kb: str | None

    def covers(self, finding: Finding, kbs: Mapping[str, str | None], as_of: date) -> bool:
        """Whether it accepts a finding on a day; `kbs` are the KBs of the bundle's packages by path."""
        if finding.rule != self.rule or (self.until is not None and as_of > self.until):
            return False
        return (
            self.kb is None or any(kbs.get(path) == self.kb for path in finding.packages) or self.kb in finding.message
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is asked. An empty policy asks for nothing but what the rules do.

    `minimum_build` holds (build, revision) by the version of Windows; `max_age_days` is the greatest age of the newest
    update on the day of the check; `allowed_states` None allows every state.
    """

    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    minimum_build: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    max_age_days: int | None = None
    allowed_states: frozenset[UpdateState] | None = None
    signatures: SignatureDemand = "any"
    severities: Mapping[str, Severity] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


NO_POLICY = Policy()
DEMAND_IDS = ("P1", "P2", "P3", "P4", "P5", "P6")
"""The demands of a policy itself, which have severities and waivers as rules have."""


def read_policy(text: str, path: str) -> Policy:
    """Parse a policy; `path` is for the messages.

    PolicyError with the line where it is no TOML, has a key that is not known or a value of the wrong kind.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_LINE.search(str(error))
        raise PolicyError(f"{path if place is None else f'{path}:{place[1]}'}: {error}") from error
    reader = _Reader(text, path)
    reader.only(document, _KEYS)
    return Policy(
        required=reader.kbs(document, "required"),
        forbidden=reader.kbs(document, "forbidden"),
        minimum_build=MappingProxyType(reader.builds(document)),
        max_age_days=reader.whole(document, "max_age_days"),
        allowed_states=reader.states(document),
        signatures=reader.signatures(document),
        severities=MappingProxyType(reader.severities(document)),
        waivers=reader.waivers(document),
    )


def apply_policy(
    policy: Policy, findings: Iterable[Finding], kbs: Mapping[str, str | None], as_of: date
) -> list[Finding]:
    """The findings with the severities that the policy gives them, and its waivers noted on those that they cover."""
    changed: list[Finding] = []
    for finding in findings:
        severity = policy.severities.get(finding.rule, finding.severity)
        waived = finding.outcome in ("fail", "unknown")
        waiver = next((one for one in policy.waivers if waived and one.covers(finding, kbs, as_of)), None)
        reason = None if waiver is None else waiver.reason
        changed.append(replace(finding, severity=severity, waived_by=reason))
    return changed


_KEYS = (
    "required",
    "forbidden",
    "minimum_build",
    "max_age_days",
    "allowed_states",
    "signatures",
    "severity",
    "waiver",
)


def _known_rules() -> tuple[str, ...]:
    """The ids that findings may have."""
    return (*(rule.id for rule in all_rules()), *DEMAND_IDS)


class _Reader:
    """Reads the values of one document, and finds the lines of those that are wrong."""

    def __init__(self, text: str, path: str) -> None:
        self._lines = text.splitlines()
        self._path = path

    def wrong(self, key: str, message: str) -> PolicyError:
        """The error for a key, with the first line that has it."""
        pattern = re.compile(rf"^\s*\[*\s*(?:[\w.-]+\s*\.\s*)?[\"']?{re.escape(key)}[\"']?\s*(?:[=\].]|$)")
        place = next((number for number, line in enumerate(self._lines, start=1) if pattern.match(line)), None)
        where = self._path if place is None else f"{self._path}:{place}"
        return PolicyError(f"{where}: {message}")

    def only(self, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Refuse every other key."""
        for key in table:
            if key not in known:
                raise self.wrong(key, f"{key!r} is not known; there are: {', '.join(known)}")

    def kbs(self, document: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A list of KBs."""
        found = document.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and _KB.fullmatch(one) for one in found):
            raise self.wrong(key, f'{key} is a list of KBs, ["KB4474419"]')
        return tuple(found)

    def builds(self, document: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
        """``"6.0" = "6003.20489"``."""
        found: dict[str, tuple[int, int]] = {}
        for windows, stated in self._table(document, "minimum_build").items():
            version = NtVersion.parse(f"0.0.{stated}") if isinstance(stated, str) else None
            if version is None:
                raise self.wrong(
                    windows, f'the minimum build of Windows {windows} is a build and revision, "6003.20489"'
                )
            found[windows] = (version.build, version.revision)
        return found

    def whole(self, document: Mapping[str, Any], key: str) -> int | None:
        """A whole number that is not negative."""
        found = document.get(key)
        if found is not None and (not isinstance(found, int) or isinstance(found, bool) or found < 0):
            raise self.wrong(key, f"{key} is a whole number")
        return found

    def states(self, document: Mapping[str, Any]) -> frozenset[UpdateState] | None:
        """Words for states."""
        found = document.get("allowed_states")
        if found is None:
            return None
        if not isinstance(found, list) or any(one not in _STATES for one in found):
            raise self.wrong("allowed_states", f"allowed_states is a list of: {', '.join(_STATES)}")
        return frozenset(found)

    def signatures(self, document: Mapping[str, Any]) -> SignatureDemand:
        """How good signatures have to be."""
        found = document.get("signatures", "any")
        if found not in ("any", "not-invalid", "valid"):
            raise self.wrong("signatures", "signatures is any, not-invalid or valid")
        return cast(SignatureDemand, found)

    def severities(self, document: Mapping[str, Any]) -> dict[str, Severity]:
        """``R5 = "block"``."""
        known = _known_rules()
        found = self._table(document, "severity")
        for rule, severity in found.items():
            if rule not in known:
                raise self.wrong(rule, f"there is no rule {rule!r}; there are: {', '.join(known)}")
            if severity not in _SEVERITIES:
                raise self.wrong(rule, f"the severity of {rule} is one of: {', '.join(_SEVERITIES)}")
        return cast(dict[str, Severity], found)

    def waivers(self, document: Mapping[str, Any]) -> tuple[Waiver, ...]:
        """``[[waiver]]`` with rule, reason, until and kb."""
        known = _known_rules()
        stated = document.get("waiver", [])
        if not isinstance(stated, list) or not all(isinstance(one, dict) for one in stated):
            raise self.wrong("waiver", "waivers are tables, [[waiver]]")
        found: list[Waiver] = []
        for one in stated:
            self.only(one, ("rule", "reason", "until", "kb"))
            rule, reason, until, kb = one.get("rule"), one.get("reason"), one.get("until"), one.get("kb")
            if rule not in known:
                raise self.wrong("rule", f"a waiver for the rule {rule!r}; there are: {', '.join(known)}")
            if not isinstance(reason, str) or not reason.strip():
                raise self.wrong("waiver", f"a waiver for {rule} without a reason")
            if until is not None and type(until) is not date:
                raise self.wrong("until", "until is a day, 2026-12-31 without quotes")
            if kb is not None and not (isinstance(kb, str) and _KB.fullmatch(kb)):
                raise self.wrong("kb", 'kb is a KB, "KB4474419"')
            found.append(Waiver(rule=rule, reason=reason, until=until, kb=kb))
        return tuple(found)

    def _table(self, document: Mapping[str, Any], key: str) -> dict[str, Any]:
        found = document.get(key, {})
        if not isinstance(found, dict):
            raise self.wrong(key, f"{key} is a table, [{key}]")
        return found
