"""Tables of a PE file whose addresses a delta moves: imports, exports, resources, unwind records."""

from collections.abc import Iterator

from buildlab.readers.delta_image import Image

_WRITABLE = 0xC0000000
_WORD = 0xFFFFFFFF
_HIGH_BIT = 0x80000000


def _descriptors(image: Image) -> Iterator[int]:
    """Where each import descriptor stands."""
    at = image.offset(image.layout.directory(1)[0])
    if not image.layout.directory(1)[0] or at is None:
        return
    while True:
        lookup, name, addresses = (image.read(at + place, 4) for place in (0, 12, 16))
        if addresses is None or not (lookup or name or addresses):
            return
        image.count_entry()
        yield at
        at += 20


def unbind_imports(image: Image) -> None:
    """Take bound imports back: import addresses are what the lookup tables say."""
    width = 8 if image.layout.is_plus else 4
    for at in _descriptors(image):
        if not image.read(at + 4, 4):
            continue
        image.write(at + 4, 8, 0)
        origin, to = image.offset(image.read(at, 4) or 0), image.offset(image.read(at + 16, 4) or 0)
        if origin is None or to is None:
            continue
        while thunk := image.read(origin, width):
            image.count_entry()
            image.write(to, width, thunk)
            origin, to = origin + width, to + width
    for section in image.layout.sections:
        if section.name.rstrip(b"\0") == b".idata":
            image.write(section.header + 36, 4, section.characteristics | _WRITABLE)


def move_imports(image: Image) -> None:
    """Import lookup and address tables, then the descriptors themselves."""
    for at in _descriptors(image):
        is_bound = bool(image.read(at + 4, 4))
        for place in (0, 16):
            table = image.read(at + place, 4)
            start = image.offset(table) if table else None
            if start is not None:
                _move_thunks(image, start, is_bound and place == 16)
        for place in (12, 0, 16):
            image.move(at + place)


def _move_thunks(image: Image, at: int, is_bound: bool) -> None:
    width = 8 if image.layout.is_plus else 4
    by_ordinal = 1 << (8 * width - 1)
    while thunk := image.read(at, width):
        image.count_entry()
        if is_bound:
            mask = (by_ordinal << 1) - 1
            image.write(at, width, image.target_base + _moved(image, (thunk - image.layout.image_base) & mask))
        elif not thunk & by_ordinal:
            image.write(at, 4, image.moved(thunk & _WORD))
        image.mark(at, width)
        at += width


def _moved(image: Image, address: int) -> int:
    """What cannot be an address is not moved."""
    return image.moved(address) if address < 1 << 62 else address


def move_exports(image: Image) -> None:
    """Addresses of exported functions and of their names, then the directory itself."""
    address = image.layout.directory(0)[0]
    at = image.offset(address) if address else None
    if at is None:
        return
    for count_at, table_at in ((20, 28), (24, 32)):
        count, table = image.read(at + count_at, 4), image.read(at + table_at, 4)
        start = image.offset(table) if table else None
        if not count or start is None:
            continue
        for entry in range(start, min(start + 4 * count, len(image.data)), 4):
            image.count_entry()
            image.move(entry)
    for place in (12, 28, 32, 36):
        image.move(at + place)


def move_resources(image: Image) -> None:
    """Offsets in the tree of resources. Those of their contents are moved as if they were such offsets too."""
    address, size = image.layout.directory(2)
    start = image.offset(address) if address else None
    if start is None:
        return
    origin = image.moved(address)
    seen = {0}
    waiting = [0]
    while waiting:
        directory = waiting.pop()
        named, numbered = image.read(start + directory + 12, 2), image.read(start + directory + 14, 2)
        if named is None or numbered is None:
            continue
        for number in range(named + numbered):
            entry = directory + 16 + 8 * number
            image.count_entry()
            name, child = image.read(start + entry, 4), image.read(start + entry + 4, 4)
            if name is None or child is None:
                break
            if name & _HIGH_BIT:
                _move_offset(image, start + entry, address, origin, name)
            offset = child & ~_HIGH_BIT
            is_inside = entry < offset < size
            if child & _HIGH_BIT:
                _move_offset(image, start + entry + 4, address, origin, child)
                if is_inside and offset not in seen:
                    seen.add(offset)
                    waiting.append(offset)
            elif is_inside:
                value = image.read(start + offset, 4)
                if value is not None:
                    image.write(start + offset, 4, image.moved(address + value) - origin)
                    image.mark(start + offset, 4)


def _move_offset(image: Image, at: int, address: int, origin: int, value: int) -> None:
    """Move an offset into the resources of which the high bit says what stands there."""
    moved = image.moved(address + (value & ~_HIGH_BIT)) - origin
    image.write(at, 4, value & _HIGH_BIT | moved & ~_HIGH_BIT & _WORD)
    image.mark(at, 4)


def move_functions(image: Image) -> None:
    """The exception directory of x64: its records, and the handler that unwind records name."""
    address, size = image.layout.directory(3)
    start = image.offset(address)
    if start is None:
        return
    for record in range(start, min(start + size, len(image.data)) - 11, 12):
        image.count_entry()
        unwind = image.read(record + 8, 4) or 0
        place = unwind if unwind < image.layout.lowest else image.offset(unwind)
        if place is not None and not start <= place <= start + size:
            flags, codes = image.read(place, 1), image.read(place + 2, 1)
            if flags is not None and codes is not None and flags & 0x38:
                image.move(place + 4 + 4 * ((codes + 1) >> 1), marked=False)
        for field in (0, 4, 8):
            image.move(record + field, marked=False)
