"""Base relocations of a PE file moved as a delta needs it: what they point at, and the directory in its new order."""

import struct
from collections.abc import Iterator

from buildlab.readers.delta_image import Image

_LOW = 3
_DIR64 = 10
_SHORT = (1, 2)
_ADJUSTED = 4
"""Has a second half, which stands behind it."""
_PAGE = 0xFFF

_Relocation = tuple[int, int, int | None]
"""Address in the new file, type, and the second half."""


def move_relocations(image: Image) -> None:
    """Move every operand that has a relocation, then write the directory anew, sorted by the new addresses."""
    address, size = image.layout.directory(5)
    start = image.offset(address) if address else None
    if start is None:
        return
    found = []
    for location, kind, extra in list(_relocations(image, start, size)):
        place = image.offset(location)
        known = kind if kind in (_LOW, _DIR64, _ADJUSTED, *_SHORT) else 0
        if place is not None and known:
            _move_operand(image, place, known)
        found.append((image.moved(location), known, extra))
    found.sort(key=lambda relocation: relocation[0])
    room = size
    for section in image.layout.sections:
        if section.raw_size and section.address <= address < section.address + max(
            section.virtual_size, section.raw_size
        ):
            room = max(size, section.raw_size - (address - section.address))
            break
    table = _table(found)[: room & ~1]
    table = table[: max(len(image.data) - start, 0)]
    image.data[start : start + len(table)] = table


def _relocations(image: Image, start: int, size: int) -> Iterator[_Relocation]:
    """Address in the old file, type and second half of each entry; pages at address 0 are left out."""
    at, end = start, min(start + size, len(image.data))
    while at + 8 <= end:
        page, block = struct.unpack_from("<II", image.data, at)
        if block < 8 or block > end - at:
            return
        words = struct.unpack_from(f"<{(block - 8) // 2}H", image.data, at + 8)
        at += block
        index = 0
        while page and index < len(words):
            kind = words[index] >> 12
            if not kind:
                break
            location = page + (words[index] & _PAGE)
            extra = None
            if kind == _ADJUSTED and index + 1 < len(words):
                index += 1
                extra = words[index]
            image.count_entry()
            yield location, kind, extra
            index += 1


def _move_operand(image: Image, place: int, kind: int) -> None:
    if kind in (_LOW, _DIR64):
        size = 4 if kind == _LOW else 8
        value = image.read(place, size)
        if value is not None:
            address = value - image.layout.image_base
            if size == 4:
                address &= 0xFFFFFFFF
            elif not -(1 << 62) < address < 1 << 62:
                return
            image.write(place, size, image.target_base + image.moved(address))
        image.mark(place, size)
    else:
        image.mark(place, 2)


def _table(relocations: list[_Relocation]) -> bytes:
    """The directory as a file has it: one block a page of 4 KiB."""
    blocks: list[bytes] = []
    words: list[int] = []
    page = -1

    def close() -> None:
        if words:
            padded = [*words, 0] if len(words) % 2 else words
            blocks.append(struct.pack(f"<II{len(padded)}H", page, 8 + 2 * len(padded), *padded))
            words.clear()

    for address, kind, extra in relocations:
        address &= 0xFFFFFFFF
        if address & ~_PAGE != page:
            close()
            page = address & ~_PAGE
        words.append(kind << 12 | address & _PAGE)
        if extra is not None:
            words.append(extra)
    close()
    return b"".join(blocks)
