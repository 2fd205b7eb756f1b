"""What containers and partition tables say of their own soundness."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """The outcome of one check of a container or partition table, and what was seen."""

    check: Literal["gpt", "vhdx-log", "ewf-hash", "wim-integrity"]
    outcome: Literal["ok", "replayed", "not-replayed", "damaged", "not-checked"]
    detail: str
