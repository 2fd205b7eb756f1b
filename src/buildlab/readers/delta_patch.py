"""The patch of a delta: its prefix codes, and the new file made by its tokens."""

from array import array
from functools import cache

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.codecs.delta_bits import BitReader, code_table
from buildlab.readers.codecs.delta_tokens import TokenDecoder
from buildlab.readers.delta_rift import Rift, read_rift

_MAIN, _LENGTH, _ALIGNED = 600, 256, 16
_SYMBOLS = _MAIN + _LENGTH + _ALIGNED
_PRE_SYMBOLS = 39
_LZMS_CONTAINER = bytes.fromhex("0a51e5c0")
_FIRST_ROOM = 1 << 20

_Codes = tuple["array[int]", "array[int]", "array[int]"]


def apply_patch(base: bytes | bytearray, patch: bytes, size: int, rift: Rift, limits: Limits) -> bytearray:
    """The `size` bytes that a patch makes of `base`, which is the old file as its transforms left it.

    `rift` maps positions of the new file to those of the old one; empty for a RAW delta. FormatError where the patch is
    damaged, UnsupportedContentError where it is in another compression. The memory grows with what is really made.
    """
    if not patch:
        if size:
            raise FormatError("delta", f"no patch for a file of {size} bytes")
        return bytearray()
    if patch[:4] == _LZMS_CONTAINER:
        raise UnsupportedContentError("a delta whose patch is an LZMS container is not supported")
    reader = BitReader(patch)
    start = len(base)
    end = start + size
    own = read_rift(reader, limits)
    shifted = ((start + source, target) for source, target in rift.pairs())
    whole = Rift.of([*own.pairs(), *shifted, (start, 0)])
    starts, lengths = _read_blocks(reader, limits)
    if starts[0] > start:
        raise FormatError("delta", f"the first codes begin at {starts[0]}, not at {start}")
    decoder = TokenDecoder(
        patch,
        reader.place,
        reader.place + reader.left,
        start,
        end,
        array("q", whole.sources),
        array("q", whole.targets),
    )
    window = bytearray(base)
    for number, block in enumerate(lengths):
        stop = min(end, starts[number + 1]) if number + 1 < len(starts) else end
        if decoder.position >= stop:
            continue
        decoder.use(*_codes(block))
        while decoder.position < stop:
            decoder.decode(window, stop)
            if decoder.position < stop:
                room = min(end, max(decoder.wanted, len(window) + max(_FIRST_ROOM, len(window) - start)))
                window.extend(bytes(room - len(window)))
    del window[:start]
    return window


def _read_blocks(reader: BitReader, limits: Limits) -> tuple[list[int], list[bytes]]:
    """From which position of the window on which code lengths hold."""
    if reader.bits(1):
        return [0], [_flat_lengths()]
    count = reader.number()
    if count < 1:
        raise FormatError("delta", f"{count} sets of codes")
    if count > limits.delta_blocks:
        raise LimitExceededError(f"{count} sets of codes in a delta; {limits.delta_blocks} are the most")
    starts, position = [], 0
    for _ in range(count):
        step = reader.number()
        if step < 0:
            raise FormatError("delta", "sets of codes are not in their order")
        position += step
        starts.append(position)
    pre = code_table(bytes(reader.bits(4) for _ in range(_PRE_SYMBOLS)))
    found, previous = [], bytes(_SYMBOLS)
    for _ in range(count):
        previous = _read_lengths(reader, pre, previous)
        found.append(previous)
    return starts, found


def _read_lengths(reader: BitReader, pre: "array[int]", previous: bytes) -> bytes:
    """The lengths of one set, told by those of the set before."""
    lengths = bytearray()
    while len(lengths) < _SYMBOLS:
        symbol = reader.symbol(pre)
        place = len(lengths)
        if symbol < 23:
            value = symbol
            if symbol >= 20:
                value = previous[place] - (symbol - 19)
            elif symbol >= 17:
                value = previous[place] + (symbol - 16)
            if not 0 <= value <= 16:
                raise FormatError("delta", f"a code length of {value}")
            lengths.append(value)
            continue
        power = (symbol - 23) & 7
        run = power + 1 if power < 3 else 1 << (power - 1) | reader.bits(power - 1)
        if run > _SYMBOLS - place or (symbol <= 30 and not place):
            raise FormatError("delta", "a run of code lengths leaves its table")
        lengths += lengths[-1:] * run if symbol <= 30 else previous[place : place + run]
    return bytes(lengths)


def _codes(lengths: bytes) -> _Codes:
    if lengths == _flat_lengths():
        return _flat_codes()
    return (
        code_table(lengths[:_MAIN]),
        code_table(lengths[_MAIN : _MAIN + _LENGTH]),
        code_table(lengths[_MAIN + _LENGTH :]),
    )


@cache
def _flat_lengths() -> bytes:
    """The lengths of codes that are not stated: as equal as they can be."""
    flat = b""
    for symbols in (_MAIN, _LENGTH, _ALIGNED):
        longer = (symbols - 1).bit_length()
        short = (1 << longer) - symbols
        flat += bytes([longer - 1] * short + [longer] * (symbols - short))
    return flat


@cache
def _flat_codes() -> _Codes:
    flat = _flat_lengths()
    return code_table(flat[:_MAIN]), code_table(flat[_MAIN:-_ALIGNED]), code_table(flat[-_ALIGNED:])
