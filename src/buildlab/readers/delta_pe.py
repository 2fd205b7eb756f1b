"""The old PE file of a delta made to look like the new one: what stands where, and at which addresses.

There is no public specification. Observed in packages of Windows 6.0 to 8.1, after public notes on the format. Without
any one of the steps files of those come out wrong; only UNBIND and MARK made no difference.
"""

from collections.abc import Callable
from dataclasses import dataclass

from buildlab.errors import UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.codecs.delta_bits import BitReader
from buildlab.readers.delta_image import MACHINE_AMD64, MACHINE_I386, Image, PeLayout, read_layout
from buildlab.readers.delta_pe_tables import (
    move_exports,
    move_functions,
    move_imports,
    move_resources,
    unbind_imports,
)
from buildlab.readers.delta_relocations import move_relocations
from buildlab.readers.delta_rift import Rift, compose, read_rift, reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessData:
    """What a delta says of the new PE file.

    `sections` leads from its addresses to its file offsets, `addresses` from addresses of the old file to its own. All
    is 0 or empty where the new file is of another kind than the old one.
    """

    image_base: int
    link_time: int
    sections: Rift
    addresses: Rift


def read_preprocess(data: bytes, limits: Limits) -> PreprocessData:
    """Parse the data for the transforms of a PE delta; UnsupportedContentError where they are those of managed code."""
    reader = BitReader(data)
    image_base = reader.bits(64)
    reader.bits(32)
    link_time = reader.bits(32)
    sections = read_rift(reader, limits)
    if reader.bits(1):
        raise UnsupportedContentError("a delta of managed code (CLI metadata) is not supported")
    addresses = read_rift(reader, limits)
    if reader.left and reader.bits(1):
        raise UnsupportedContentError("a delta of managed code (CLI map) is not supported")
    return PreprocessData(image_base=image_base, link_time=link_time, sections=sections, addresses=addresses)


def transform_base(base: bytes, preprocess: bytes, flags: int, limits: Limits) -> tuple[bytearray, Rift]:
    """The old file transformed, and the rift from offsets in the new file to those in it.

    FormatError where the base is no PE file.
    """
    target = read_preprocess(preprocess, limits)
    layout = read_layout(base)
    return _transform(base, layout, target, flags, limits), _file_rift(layout, target, limits)


def _file_rift(layout: PeLayout, target: PreprocessData, limits: Limits) -> Rift:
    addresses = Rift.of(
        [
            (0, 0),
            *(
                (section.raw_offset, section.address)
                for section in layout.sections
                if section.raw_offset and section.address
            ),
        ]
    )
    return reverse(compose(compose(addresses, target.addresses, limits), target.sections, limits))


def _transform(base: bytes, layout: PeLayout, target: PreprocessData, flags: int, limits: Limits) -> bytearray:
    image = Image(base, layout, target.addresses, target.image_base, limits)
    optional = layout.header + 24
    image.write(optional + 64, 4, 0)
    if flags & 0x2000:
        unbind_imports(image)
    image.write(layout.header + 8, 4, target.link_time)
    for bit, step in _STEPS:
        if flags & bit:
            step(image)
    image.write(optional + (24 if layout.is_plus else 28), 8 if layout.is_plus else 4, target.image_base)
    return image.data


def _mark_all_but_code(image: Image) -> None:
    if image.layout.machine != MACHINE_I386:
        return
    image.marks[:] = b"\1" * len(image.marks)
    for start, end, _ in _code_ranges(image):
        image.marks[start:end] = bytes(max(end - start, 0))


def _code_ranges(image: Image) -> list[tuple[int, int, int]]:
    """Start and end in the file, and address, of the code of each executable section."""
    size = len(image.data)
    return [
        (
            min(section.raw_offset, size),
            min(section.raw_offset + min(section.virtual_size, section.raw_size), size),
            section.address,
        )
        for section in image.layout.sections
        if section.is_executable
    ]


def _jumps(image: Image) -> None:
    if image.layout.machine == MACHINE_I386:
        for start, end, address in _code_ranges(image):
            image.code.jumps(start, end, address)


def _calls(image: Image) -> None:
    if image.layout.machine == MACHINE_I386:
        for start, end, address in _code_ranges(image):
            image.code.calls(start, end, address)


def _functions(image: Image) -> None:
    """Code between the addresses that the exception directory states."""
    if image.layout.machine != MACHINE_AMD64 or not image.has_addresses:
        return
    address, size = image.layout.directory(3)
    at = image.offset(address)
    if at is None:
        return
    for record in range(at, min(at + size, len(image.data)) - 11, 12):
        image.count_entry()
        begin, end = image.read(record, 4), image.read(record + 4, 4)
        if begin and end and end > begin:
            image.code.function(begin, end)


def _exception_directory(image: Image) -> None:
    if image.layout.machine == MACHINE_AMD64 and image.has_addresses:
        move_functions(image)


_Step = Callable[[Image], None]
_STEPS: tuple[tuple[int, _Step], ...] = (
    (0x2, _mark_all_but_code),
    (0x4, move_imports),
    (0x8, move_exports),
    (0x10, move_resources),
    (0x20, move_relocations),
    (0x80, _jumps),
    (0x100, _calls),
    (0x200, _functions),
    (0x400, _exception_directory),
)
"""Flag and transform, in the order in which they are made."""
