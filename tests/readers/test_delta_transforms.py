"""Transforms of PE files, each on a small image whose new addresses can be worked out by hand."""

import struct

import pytest

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.delta_image import Image, PeLayout, Section, read_layout
from buildlab.readers.delta_pe import _STEPS
from buildlab.readers.delta_pe_tables import unbind_imports
from buildlab.readers.delta_rift import Rift
from tests.kit.pe import AMD64, I386, write_pe

CODE, DATA, MORE = 0x1000, 0x2000, 0x3000
CODE_AT, DATA_AT, MORE_AT = 0x200, 0x400, 0x800
BASE, NEW_BASE = 0x400000, 0x500000
MOVES = Rift.of([(0, 0), (CODE, CODE), (CODE + 0x80, CODE + 0x90), (DATA, DATA + 0x1000), (MORE, MORE + 0x2000)])
"""Code from its 128th byte on moves by 16, the data section by 0x1000, the last one by 0x2000."""
MARK, IMPORTS, EXPORTS, RESOURCES, RELOCS, JMPS, CALLS, DISASM, PDATA = (bit for bit, _ in _STEPS)


def image(
    directories: dict[int, tuple[int, int]] | None = None,
    *,
    machine: int = I386,
    moves: Rift = MOVES,
    name: bytes = b".data",
    limits: Limits = DEFAULT_LIMITS,
) -> Image:
    """Three sections, the first of which holds code; the last one has no bytes behind its 0x400th."""
    sections = tuple(
        Section(
            header=0x100 + 40 * number,
            name=section_name.ljust(8, b"\0"),
            address=address,
            virtual_size=size,
            raw_offset=at,
            raw_size=size,
            characteristics=flags,
        )
        for number, (section_name, address, at, size, flags) in enumerate(
            [
                (b".text", CODE, CODE_AT, 0x200, 0x60000020),
                (name, DATA, DATA_AT, 0x400, 0xC0000040),
                (b".more", MORE, MORE_AT, 0x400, 0x40000040),
            ]
        )
    )
    entries = directories or {}
    layout = PeLayout(
        header=0x40,
        machine=machine,
        is_plus=machine == AMD64,
        image_base=BASE,
        image_size=0x4000,
        directories=tuple(entries.get(number, (0, 0)) for number in range(16)),
        sections=sections,
    )
    return Image(bytes(0xC00), layout, moves, NEW_BASE, limits)


def put(made: Image, at: int, *values: int, size: int = 4) -> None:
    for index, value in enumerate(values):
        made.data[at + size * index : at + size * (index + 1)] = value.to_bytes(size, "little")


def words(made: Image, at: int, count: int, size: int = 4) -> list[int]:
    return [int.from_bytes(made.data[at + size * i : at + size * (i + 1)], "little") for i in range(count)]


def run(made: Image, bit: int) -> None:
    dict(_STEPS)[bit](made)


def near(made: Image, at: int, opcode: bytes, target: int) -> None:
    """A jump or call in the code, at an offset in it, to an address."""
    place = CODE_AT + at
    distance = target - (CODE + at + len(opcode) + 4)
    made.data[place : place + len(opcode) + 4] = opcode + struct.pack("<i", distance)


def target_of(made: Image, at: int, opcode: int, moved: int) -> int:
    """Where it leads in the new file, if it stands `moved` bytes further on there."""
    place = CODE_AT + at
    (distance,) = struct.unpack_from("<i", made.data, place + opcode)
    assert isinstance(distance, int)
    return CODE + at + moved + opcode + 4 + distance


def test_calls_lead_to_where_their_targets_will_be() -> None:
    made = image()
    near(made, 0x10, b"\xe8", CODE + 0x100)
    near(made, 0x90, b"\xe8", CODE + 0x20)
    near(made, 0x40, b"\xe8", 0x9000)
    near(made, 0x50, b"\xe8", CODE + 0x120)
    made.mark(CODE_AT + 0x53, 1)
    near(made, 0x60, b"\xe8", DATA + 8)
    made.mark(DATA_AT + 8, 1)
    before = bytes(made.data)
    run(made, CALLS)
    assert target_of(made, 0x10, 1, 0) == CODE + 0x110
    assert target_of(made, 0x90, 1, 0x10) == CODE + 0x20
    for untouched in (0x40, 0x50, 0x60):
        assert made.data[CODE_AT + untouched :][:5] == before[CODE_AT + untouched :][:5]


def test_jumps_lead_to_where_their_targets_will_be_and_become_short() -> None:
    moves = Rift.of([(0, 0), (CODE, CODE), (CODE + 0x100, CODE + 0x20)])
    made = image(moves=moves)
    near(made, 0x00, b"\xe9", CODE + 0x108)
    near(made, 0x08, b"\x0f\x84", CODE + 0x110)
    near(made, 0x10, b"\x0f\x85", DATA)
    near(made, 0x20, b"\xe9", CODE + 0x30)
    near(made, 0x30, b"\x0f\x86", CODE + 0x120)
    made.mark(CODE_AT + 0x30, 1)
    kept = bytes(made.data[CODE_AT + 0x20 :][:5])
    run(made, JMPS)
    assert made.data[CODE_AT:][:2] == bytes([0xEB, 0x28 - 0x05])
    assert made.data[CODE_AT + 0x08 :][:2] == bytes([0x74, 0x30 - 0x0E])
    assert target_of(made, 0x10, 2, 0) == DATA - 0xE0
    assert made.data[CODE_AT + 0x20 :][:5] == kept
    assert made.data[CODE_AT + 0x30 :][:2] == b"\x0f\x86"
    assert target_of(made, 0x30, 2, 0) == CODE + 0x40


def test_32_bit_code_is_not_looked_for_in_other_machines() -> None:
    made = image(machine=AMD64)
    near(made, 0x10, b"\xe8", CODE + 0x100)
    before = bytes(made.data)
    for bit in (MARK, JMPS, CALLS):
        run(made, bit)
    assert made.data == before
    assert not any(made.marks)


def test_all_but_code_is_marked() -> None:
    made = image()
    run(made, MARK)
    assert made.marks == b"\1" * CODE_AT + bytes(0x200) + b"\1" * (0xC00 - DATA_AT)


@pytest.mark.parametrize("machine", [I386, AMD64])
def test_imports(machine: int) -> None:
    size = 8 if machine == AMD64 else 4
    ordinal = (1 << (8 * size - 1)) | 5
    made = image({1: (DATA, 40)}, machine=machine)
    put(made, DATA_AT, DATA + 0x40, 0, 0, MORE + 0x10, DATA + 0x80)
    put(made, DATA_AT + 0x40, MORE + 0x20, ordinal, CODE + 0x84, size=size)
    put(made, DATA_AT + 0x80, MORE + 0x20, size=size)
    run(made, IMPORTS)
    assert words(made, DATA_AT, 5) == [DATA + 0x1040, 0, 0, MORE + 0x2010, DATA + 0x1080]
    assert words(made, DATA_AT + 0x40, 4, size) == [MORE + 0x2020, ordinal, CODE + 0x94, 0]
    assert words(made, DATA_AT + 0x80, 2, size) == [MORE + 0x2020, 0]
    assert made.marks[DATA_AT + 0x40 :][: 3 * size] == b"\1" * 3 * size


def test_bound_imports_hold_addresses_with_the_image_base() -> None:
    made = image({1: (DATA, 40)})
    put(made, DATA_AT, DATA + 0x40, 0x4A5BC0DE, 0, MORE, DATA + 0x80)
    put(made, DATA_AT + 0x40, MORE + 0x20)
    put(made, DATA_AT + 0x80, BASE + DATA + 4)
    run(made, IMPORTS)
    assert words(made, DATA_AT + 0x80, 1) == [NEW_BASE + DATA + 0x1004]


def test_bound_imports_are_unbound() -> None:
    made = image({1: (DATA, 40)}, name=b".idata")
    put(made, DATA_AT, DATA + 0x40, 0x4A5BC0DE, 7, MORE, DATA + 0x80)
    put(made, DATA_AT + 0x40, MORE + 0x20, MORE + 0x30)
    put(made, DATA_AT + 0x80, 0x77001000, 0x77002000, 0)
    unbind_imports(made)
    assert words(made, DATA_AT, 3) == [DATA + 0x40, 0, 0]
    assert words(made, DATA_AT + 0x80, 3) == [MORE + 0x20, MORE + 0x30, 0]
    assert words(made, 0x100 + 40 + 36, 1) == [0xC0000040]


def test_exports() -> None:
    made = image({0: (DATA, 0x80)})
    put(made, DATA_AT + 12, MORE, 1, 3, 2, DATA + 0x40, DATA + 0x50, DATA + 0x60)
    put(made, DATA_AT + 0x40, CODE + 0x10, 0, CODE + 0x90)
    put(made, DATA_AT + 0x50, MORE + 8, MORE + 16)
    run(made, EXPORTS)
    moved = [MORE + 0x2000, 1, 3, 2, DATA + 0x1040, DATA + 0x1050, DATA + 0x1060]
    assert words(made, DATA_AT + 12, 7) == moved
    assert words(made, DATA_AT + 0x40, 3) == [CODE + 0x10, 0, CODE + 0xA0]
    assert words(made, DATA_AT + 0x50, 2) == [MORE + 0x2008, MORE + 0x2010]


def test_resources() -> None:
    """The tree grows by 8 bytes behind its 0x40th; the leaf is moved as if it were an offset in the tree too."""
    moves = Rift.of([(0, 0), (DATA, DATA + 0x1000), (DATA + 0x40, DATA + 0x1048), (MORE, MORE + 0x2000)])
    made = image({2: (DATA, 0x100)}, moves=moves)
    put(made, DATA_AT + 12, 1, 1, size=2)
    put(made, DATA_AT + 16, 0x80000050, 0x80000060, 3, 0x80)
    put(made, DATA_AT + 0x60 + 14, 1, size=2)
    put(made, DATA_AT + 0x60 + 16, 0x409, 0x90)
    put(made, DATA_AT + 0x80, 0x44, 4)
    put(made, DATA_AT + 0x90, MORE - DATA, 4)
    run(made, RESOURCES)
    assert words(made, DATA_AT + 16, 4) == [0x80000058, 0x80000068, 3, 0x80]
    assert words(made, DATA_AT + 0x80, 2) == [0x4C, 4]
    assert words(made, DATA_AT + 0x90, 1) == [MORE - DATA + 0x1000]


def test_resources_in_a_circle_end() -> None:
    made = image({2: (DATA, 0x100)})
    put(made, DATA_AT + 14, 2, size=2)
    put(made, DATA_AT + 16, 1, 0x80000000, 2, 0x80000018)
    run(made, RESOURCES)


def test_relocations_are_moved_and_sorted() -> None:
    moves = Rift.of([(0, 0), (CODE, DATA), (DATA, CODE), (MORE, MORE + 0x1000)])
    made = image({5: (MORE, 36)}, moves=moves)
    put(made, CODE_AT + 0x10, BASE + DATA + 4)
    put(made, DATA_AT + 0x20, BASE + MORE + 8)
    put(made, MORE_AT, CODE, 12)
    put(made, MORE_AT + 8, 3 << 12 | 0x10, 0, size=2)
    put(made, MORE_AT + 12, DATA, 12)
    put(made, MORE_AT + 20, 3 << 12 | 0x20, 9 << 12 | 0x30, size=2)
    put(made, MORE_AT + 24, 0, 12)
    put(made, MORE_AT + 32, 3 << 12 | 0x40, 0, size=2)
    run(made, RELOCS)
    assert words(made, CODE_AT + 0x10, 1) == [NEW_BASE + CODE + 4]
    assert words(made, DATA_AT + 0x20, 1) == [NEW_BASE + MORE + 0x1008]
    assert words(made, MORE_AT, 2) == [CODE, 12]
    assert words(made, MORE_AT + 8, 2, 2) == [3 << 12 | 0x20, 0x30]
    assert words(made, MORE_AT + 12, 2) == [DATA, 12]
    assert words(made, MORE_AT + 20, 2, 2) == [3 << 12 | 0x10, 0]
    # The page at address 0 is left out of the new directory, and what stood behind that stays.
    assert words(made, MORE_AT + 32, 1, 2) == [3 << 12 | 0x40]
    assert made.marks[CODE_AT + 0x10 :][:4] == b"\1" * 4


def test_relocations_of_64_bits_and_with_two_halves() -> None:
    made = image({5: (MORE, 20)}, machine=AMD64)
    put(made, CODE_AT + 0x10, BASE + DATA + 4, size=8)
    put(made, MORE_AT, CODE, 16)
    put(made, MORE_AT + 8, 10 << 12 | 0x10, 4 << 12 | 0x20, 0x1234, size=2)
    run(made, RELOCS)
    assert words(made, CODE_AT + 0x10, 1, 8) == [NEW_BASE + DATA + 0x1004]
    assert words(made, MORE_AT, 2) == [CODE, 16]
    assert words(made, MORE_AT + 8, 4, 2) == [10 << 12 | 0x10, 4 << 12 | 0x20, 0x1234, 0]


INSTRUCTIONS = [
    (bytes.fromhex("488d0d"), b""),  # lea rcx, [rip+d]
    (bytes.fromhex("e8"), b""),
    (bytes.fromhex("0f84"), b""),
    (bytes.fromhex("c705"), b"\1\2\3\4"),  # mov dword [rip+d], imm32
    (bytes.fromhex("66c705"), b"\1\2"),
    (bytes.fromhex("f605"), b"\7"),  # test byte [rip+d], imm8
    (bytes.fromhex("f615"), b""),  # not byte [rip+d]
    (bytes.fromhex("f20f1005"), b""),  # movsd xmm0, [rip+d]
    (bytes.fromhex("0ff305"), b""),  # psllq mm0, [rip+d]
]


@pytest.mark.parametrize(("opcode", "immediate"), INSTRUCTIONS, ids=[opcode.hex() for opcode, _ in INSTRUCTIONS])
def test_x64_operands(opcode: bytes, immediate: bytes) -> None:
    """Behind instructions without such an operand, so that their lengths matter too."""
    before = bytes.fromhex("4883ec28 48b81122334455667788 8b4424e8 0fb6c0 83c001 90")
    code = before + opcode + struct.pack("<i", 0x100) + immediate
    made = image({3: (DATA, 12)}, machine=AMD64)
    made.data[CODE_AT : CODE_AT + len(code)] = code
    put(made, DATA_AT, CODE, CODE + len(code), MORE)
    run(made, DISASM)
    target = CODE + len(code) + 0x100
    (distance,) = struct.unpack_from("<i", made.data, CODE_AT + len(before) + len(opcode))
    assert distance == 0x110
    assert target + 0x10 == CODE + len(code) + distance
    assert made.data[CODE_AT : CODE_AT + len(before)] == before


def test_an_x64_instruction_that_passes_the_end_of_its_function_has_no_operand() -> None:
    made = image({3: (DATA, 12)}, machine=AMD64)
    made.data[CODE_AT : CODE_AT + 5] = b"\xe8" + struct.pack("<i", 0x100)
    put(made, DATA_AT, CODE, CODE + 4, MORE)
    before = bytes(made.data)
    run(made, DISASM)
    assert made.data == before


def test_x64_functions_that_overlap_without_end_are_refused() -> None:
    made = image({3: (DATA, 0x400)}, machine=AMD64)
    for number in range(85):
        put(made, DATA_AT + 12 * number, CODE, CODE + 0xA00, MORE)
    with pytest.raises(FormatError, match="overlap"):
        run(made, DISASM)


@pytest.mark.parametrize(("bit", "number"), [(IMPORTS, 1), (EXPORTS, 0), (RESOURCES, 2), (RELOCS, 5), (PDATA, 3)])
def test_the_number_of_entries_is_bounded(bit: int, number: int) -> None:
    made = image({number: (DATA, 0x400)}, machine=AMD64, limits=Limits(delta_table_entries=9))
    put(made, DATA_AT, *[0x30103010 if bit == RELOCS else DATA + 0x0C] * 0x100)
    put(made, DATA_AT, DATA, 0x100)
    with pytest.raises(LimitExceededError):
        run(made, bit)


def test_the_exception_directory() -> None:
    made = image({3: (DATA, 24)}, machine=AMD64)
    put(made, DATA_AT, CODE, CODE + 0x90, MORE, CODE + 0x90, CODE + 0xA0, MORE + 0x40)
    made.data[MORE_AT : MORE_AT + 4] = bytes([0x09, 0, 3, 0])  # version 1, exception handler, three codes
    put(made, MORE_AT + 12, CODE + 0x88)
    made.data[MORE_AT + 0x40 : MORE_AT + 0x44] = bytes([0x01, 0, 0, 0])
    put(made, MORE_AT + 0x44, CODE + 0x88)
    run(made, PDATA)
    moved = [CODE, CODE + 0xA0, MORE + 0x2000, CODE + 0xA0, CODE + 0xB0, MORE + 0x2040]
    assert words(made, DATA_AT, 6) == moved
    assert words(made, MORE_AT + 12, 1) == [CODE + 0x98]
    assert words(made, MORE_AT + 0x44, 1) == [CODE + 0x88]


def test_layout_of_a_pe_file() -> None:
    for machine, base in ((I386, 0x400000), (AMD64, 0x140000000)):
        layout = read_layout(write_pe(machine=machine, padding=700))
        assert (layout.machine, layout.image_base, layout.is_plus) == (machine, base, machine == AMD64)
        assert [section.name.rstrip(b"\0") for section in layout.sections] == [b".text", b".data", b".rsrc"]
        assert [section.is_executable for section in layout.sections] == [True, False, False]
        assert layout.directory(2)[0] == layout.sections[2].address
        assert layout.directory(99) == (0, 0)


@pytest.mark.parametrize("length", [0, 2, 0x3D, 0x60, 0x90, 0x100, 0x150])
def test_headers_that_are_cut(length: int) -> None:
    with pytest.raises(FormatError):
        read_layout(write_pe()[:length])
