"""What containers, partition tables and file systems say of their own soundness."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """The outcome of one check of a container, partition table or file system, and what was seen."""

    check: Literal["gpt", "vhdx-log", "ewf-hash", "wim-integrity", "ntfs-dirty"]
    outcome: Literal["ok", "replayed", "not-replayed", "damaged", "not-checked"]
    detail: str
