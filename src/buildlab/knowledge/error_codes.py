"""What the error codes of servicing mean."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """One HRESULT: its name in Microsoft's headers and what it says of an installation."""

    code: int
    name: str
    meaning: str
    source: str
    confidence: Confidence


@cache
def _codes() -> dict[int, ErrorCode]:
    return {
        int(row["code"], 16): ErrorCode(
            code=int(row["code"], 16),
            name=row["name"],
            meaning=row["meaning"],
            source=row["source"],
            confidence=confidence(row["confidence"]),
        )
        for row in rows("error_codes.csv")
    }


def error_code(code: int) -> ErrorCode | None:
    """What is known of an HRESULT (as an unsigned or a signed DWORD), or None."""
    return _codes().get(code & 0xFFFFFFFF)
