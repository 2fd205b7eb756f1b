"""CRC-32C (Castagnoli), the checksum of VHDX."""

from functools import cache

_POLYNOMIAL = 0x82F63B78
_LANE = 256
_LANES_WORTH_IT = 64


def _step(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = [_step(value) for value in range(256)]
_COLUMNS = [bytes(entry >> shift & 0xFF for entry in _TABLE) for shift in (0, 8, 16, 24)]
"""The table byte by byte, for `bytes.translate`."""


def crc32c(data: bytes) -> int:
    """The checksum of `data`; that of ``b"123456789"`` is 0xE3069283.

    Long data is taken as lanes of 256 bytes that advance side by side: each step is a few operations on all lanes at
    once. A CRC being linear, the lanes' results are then joined as if each had run on from the one before it.
    """
    state = 0xFFFFFFFF
    lanes = len(data) // _LANE
    if lanes >= _LANES_WORTH_IT:
        low, second, third, high = _shift_tables()
        for own in _lane_states(data[: lanes * _LANE], lanes):
            shifted = low[state & 0xFF] ^ second[state >> 8 & 0xFF] ^ third[state >> 16 & 0xFF] ^ high[state >> 24]
            state = shifted ^ own
        data = data[lanes * _LANE :]
    for byte in data:
        state = _TABLE[(state ^ byte) & 0xFF] ^ state >> 8
    return state ^ 0xFFFFFFFF


def _lane_states(data: bytes, lanes: int) -> list[int]:
    """The register of each lane after its bytes, begun at 0. Byte n of all registers together is one large number."""
    number = int.from_bytes
    first, second, third, fourth = _COLUMNS
    a = b = c = d = 0
    for place in range(_LANE):
        index = (a ^ number(data[place::_LANE], "little")).to_bytes(lanes, "little")
        a = b ^ number(index.translate(first), "little")
        b = c ^ number(index.translate(second), "little")
        c = d ^ number(index.translate(third), "little")
        d = number(index.translate(fourth), "little")
    registers = zip(*(part.to_bytes(lanes, "little") for part in (a, b, c, d)), strict=True)
    return [w | x << 8 | y << 16 | z << 24 for w, x, y, z in registers]


@cache
def _shift_tables() -> tuple[list[int], ...]:
    """What a register becomes behind a lane of zeros: the part of each of its four bytes."""

    def shifted(state: int) -> int:
        for _ in range(_LANE):
            state = _TABLE[state & 0xFF] ^ state >> 8
        return state

    bits = [shifted(1 << bit) for bit in range(32)]
    tables: list[list[int]] = []
    for byte in range(4):
        table = [0] * 256
        for value in range(1, 256):
            lowest = value & -value
            table[value] = table[value ^ lowest] ^ bits[8 * byte + lowest.bit_length() - 1]
        tables.append(table)
    return tuple(tables)
