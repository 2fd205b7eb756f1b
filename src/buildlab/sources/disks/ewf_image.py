"""What an EWF image of either version says of its medium, and where the lists of its chunks are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, SourceError
from buildlab.limits import Limits

_LONGEST_CHUNK = 32 << 20
_UNREAD_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EwfTable:
    """A list of chunks in one segment: where its entries are (in version 1 twice, as a rule). Of version 1 alone are
    what its offsets count from, where its last chunk ends, and whether it has a checksum."""

    segment: int
    first_chunk: int
    count: int
    places: tuple[int, ...]
    base: int = 0
    end: int = 0
    has_checksum: bool = True


@dataclass(slots=True)
class EwfImage:
    """What the sections of all segments say."""

    sectors: int = 0
    sector_size: int = 0
    sectors_per_chunk: int = 0
    chunk_size: int = 0
    """In bytes; 0 as long as nothing described the medium."""
    chunk_count: int = 0
    is_smart: bool = False
    tables: list[EwfTable] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    has_damaged_hash: bool = False
    """A section of hashes was there whose checksum is wrong."""
    unread: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of sectors, first and number, that could not be read when the image was made."""
    unread_damage: BuildlabError | None = None
    """A list of them that is damaged."""
    stated: dict[str, int] = field(default_factory=dict)
    """Version 2: numbers by their names in the texts, as they were stated first."""
    sections: int = 0
    texts: int = 0
    is_whole: bool = False

    @property
    def chunks_listed(self) -> int:
        return self.tables[-1].first_chunk + self.tables[-1].count if self.tables else 0


def describe_medium(image: EwfImage, offset: int, limits: Limits) -> None:
    """Take the numbers that describe the medium for what they are due to be: the size of its chunks follows.

    LimitExceededError where it is too large, FormatError (at `offset`) where its chunks cannot hold it.
    """
    chunk_size, size = image.sectors_per_chunk * image.sector_size, image.sectors * image.sector_size
    if size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"EWF states a medium of {size} bytes")
    if chunk_size > _LONGEST_CHUNK:
        raise LimitExceededError(f"EWF states chunks of {chunk_size} bytes")
    if not chunk_size or -(-size // chunk_size) > image.chunk_count:
        raise FormatError("ewf", f"{size} bytes in {image.chunk_count} chunks of {chunk_size}", offset=offset)
    image.chunk_size = chunk_size


def unread_sectors(ranges: Sequence[tuple[int, int]]) -> BuildlabError | None:
    """What is to be said of the sectors, first and number of each range, that the acquisition could not read."""
    ranges = [(first, number) for first, number in ranges if number]
    if not ranges:
        return None
    shown = ", ".join(f"{first} to {first + number - 1}" for first, number in ranges[:_UNREAD_SHOWN])
    more = f" and {len(ranges) - _UNREAD_SHOWN} more ranges" if len(ranges) > _UNREAD_SHOWN else ""
    return SourceError(
        f"the acquisition could not read {sum(number for _, number in ranges)} sectors: {shown}{more}",
        hint="what the image holds in their place, zeros as a rule, was never on the medium",
    )


def damaged_unread_list(offset: int) -> FormatError:
    """That such a list is damaged, at its offset."""
    reason = "the list of the sectors that the acquisition could not read is damaged"
    return FormatError("ewf", reason, offset=offset)
