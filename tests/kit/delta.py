"""Microsoft deltas (PA30) that copy and insert, and the indexes of packages made of them.

No other encoder is at hand: what is written here is right as far as the decoder takes it, which is tested with files
of Microsoft. Codes are never stated, so every delta is larger than it could be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import quoteattr

RAW, I386, AMD64 = 1, 2, 8
E8 = 0x1
MD5, SHA1, SHA256 = 0x8003, 0x8004, 0x800C
_HASHES = {MD5: hashlib.md5, SHA1: hashlib.sha1, SHA256: hashlib.sha256}
_SHORTEST, _LONGEST = 4, 1 << 16
_RECENT_SLOT, _ESCAPE_SLOT = 4, 7
_ESCAPED = ((47, 0, 1, 2), (55, 1, 2, 3), (71, 3, 2, 4))
"""Up to which slot, the bits that say so and their number, and the bits of the slot."""

Pairs = Sequence[tuple[int, int]]


class DeltaBits:
    """A bitstream, least significant bit first; its first three bits say how many of the last byte are not used."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def put(self, value: int, number: int) -> DeltaBits:
        self._bits += [value >> index & 1 for index in range(number)]
        return self

    def number(self, value: int) -> DeltaBits:
        """A signed number of up to 64 bits."""
        value &= (1 << 64) - 1
        halves = max(1, -(-value.bit_length() // 4))
        return self.put(1 << (halves - 1), halves).put(value, 4 * halves)

    def buffer(self, data: bytes) -> DeltaBits:
        self.number(len(data))
        self.put(0, -(len(self._bits) + 3) % 8)
        for byte in data:
            self.put(byte, 8)
        return self

    def code(self, symbol: int, symbols: int) -> DeltaBits:
        """A symbol of the code that is not stated: lengths as equal as can be, the longest with the least values."""
        longest = (symbols - 1).bit_length()
        short = (1 << longest) - symbols
        if symbol < short:
            length, value = longest - 1, symbol + ((symbols - short) >> 1)
        else:
            length, value = longest, symbol - short
        return self.put(int(f"{value:0{length}b}"[::-1], 2), length)

    def rift(self, pairs: Pairs) -> DeltaBits:
        """A table of (source, target), with a code in which each of 252 symbols has 8 bits or 7."""
        if not pairs:
            return self.put(0, 1)
        self.put(1, 1)
        for _ in range(2):
            self.put(0, 8).put(0, 8).put(248, 8).put(7, 4)
        self.number(len(pairs))
        source = shift = 0
        for here, there in pairs:
            for step in (here - source, there - here - shift):
                self._rift_value(step)
            source, shift = here, there - here
        return self

    def _rift_value(self, value: int) -> None:
        magnitude = ~value if value < 0 else value
        count = 0
        symbol = magnitude
        if magnitude >= 4:
            count = magnitude.bit_length() - 2
            symbol = 2 * (count + 1) + (magnitude >> count & 1)
        symbol += 126 if value < 0 else 0
        # 248 codes of 8 bits, then four of 7, which are the last symbols.
        code, length = (symbol, 8) if symbol < 248 else (124 + symbol - 248, 7)
        self.put(int(f"{code:0{length}b}"[::-1], 2), length)
        self.put(magnitude & ((1 << count) - 1), count)

    def bytes(self) -> bytes:
        pad = -(len(self._bits) + 3) % 8
        bits = [pad >> index & 1 for index in range(3)] + self._bits + [0] * pad
        return bytes(sum(bit << index for index, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))


class PatchBits(DeltaBits):
    """The patch of a delta: tokens for a window of the old file and the new one behind it."""

    def __init__(self, rift: Pairs = ()) -> None:
        super().__init__()
        self.rift(rift).put(1, 1)

    def literal(self, byte: int) -> PatchBits:
        self.code(byte, 600)
        return self

    def copy(self, distance: int, length: int) -> PatchBits:
        """Copy from `distance` bytes before."""
        if distance < 4:
            return self._token(distance + 7, length)
        count = distance.bit_length() - 2
        low = min(count, 4) if count >= 4 else 0
        slot = 11 + 2 * (count - 1) + (distance >> count & 1)
        self._begin(slot if slot < 43 else _ESCAPE_SLOT, length)
        if slot >= 43:
            first = 43
            for end, prefix, prefix_bits, number in _ESCAPED:
                if slot < end:
                    self.put(prefix, prefix_bits).put(slot - first, number)
                    break
                first = end
        self.put((distance & ((1 << count) - 1)) >> low, count - low)
        if low:
            self.code(distance & 15, 16)
        return self._length(length)

    def rift_copy(self, length: int) -> PatchBits:
        """Copy from where the rift points."""
        return self._token(3, length)

    def near_copy(self, away: int, length: int) -> PatchBits:
        """Copy from near where the rift points: 0 is there, what is more lies before, up to 172,031 bytes each way."""
        for slot, bits, start in ((0, 14, 0), (1, 16, 0x2000), (2, 18, 0xA000)):
            value = away + start if away < 0 else away - start
            if -1 << (bits - 1) <= value < 1 << (bits - 1) and (value < 0) == (away < 0):
                self._begin(slot, length)
                self.put(value + (1 << (bits - 1)), bits)
                return self._length(length)
        raise ValueError(f"{away} bytes are too far away")

    def recent_copy(self, number: int, length: int) -> PatchBits:
        """Copy from one of the three last distances."""
        return self._token(_RECENT_SLOT + number, length)

    def _token(self, slot: int, length: int) -> PatchBits:
        self._begin(slot, length)
        return self._length(length)

    def _begin(self, slot: int, length: int) -> None:
        self.code(256 + 8 * slot + (length - 1 if length <= 8 else 0), 600)

    def _length(self, length: int) -> PatchBits:
        if 8 < length < 264:
            self.code(length - 8, 256)
        elif length >= 264:
            value = length - 8
            count = value.bit_length() - 1
            self.code(0, 256).put(1 << (count - 8), count - 7).put(value, count)
        return self


def make_patch(base: bytes, target: bytes) -> bytes:
    """Copies of four bytes or more out of both files, and literals."""
    bits = PatchBits()
    window = base + target
    last: dict[bytes, int] = {}
    at = 0

    def learn(end: int) -> None:
        nonlocal at
        for place in range(at, end):
            last[window[place : place + _SHORTEST]] = place
        at = end

    learn(len(base))
    while at < len(window):
        found = last.get(window[at : at + _SHORTEST], -1)
        distance = at - found
        length = 0
        if found >= 0 and at + _SHORTEST <= len(window):
            while at + length < len(window) and length < _LONGEST and window[found + length] == window[at + length]:
                length += 1
        if length >= _SHORTEST:
            bits.copy(distance, length)
            learn(at + length)
        else:
            bits.literal(window[at])
            learn(at + 1)
    return bits.bytes() if target else b""


def write_delta(
    base: bytes,
    target: bytes,
    *,
    algorithm: int = MD5,
    digest: bytes | None = None,
    file_type: int = RAW,
    file_type_set: int = RAW,
    flags: int = 0x20000,
    file_time: int = 0x01D0F1C0_00000000,
    size: int | None = None,
    preprocess: bytes = b"",
    patch: bytes | None = None,
    magic: bytes = b"PA30",
) -> bytes:
    """A delta that makes `target` of `base`; what else is given takes the place of what would be written."""
    head = DeltaBits()
    for value in (file_type_set, file_type, flags, len(target) if size is None else size, algorithm):
        head.number(value)
    if digest is None:
        digest = _HASHES[algorithm](target).digest() if algorithm in _HASHES else b""
    head.buffer(digest)
    outer = head
    if magic == b"PA31":
        head.number(0).number(0).number(0).buffer(b"")
        outer = DeltaBits().buffer(head.bytes())
    outer.buffer(preprocess).buffer(make_patch(base, target) if patch is None else patch)
    return magic + file_time.to_bytes(8, "little") + outer.bytes()


def preprocess_data(
    *, image_base: int = 0, link_time: int = 0, sections: Pairs = (), addresses: Pairs = (), managed: bool = False
) -> bytes:
    """What a delta of a PE file says of the new one."""
    bits = DeltaBits().put(image_base, 64).put(0, 32).put(link_time, 32).rift(sections)
    if managed:
        return bits.put(1, 1).put(0, 64).bytes()
    return bits.put(0, 1).rift(addresses).bytes()


def cix_file(
    id: int,
    name: str,
    content: bytes,
    *,
    source: str | None = None,
    type: str = "RAW",
    stored: bytes | None = None,
    place: tuple[int, int] | None = None,
    basis: int | None = None,
    digest: str | None = None,
) -> str:
    """A file of an index: `source` names the member, `place` is a slice of a PSF, `stored` what lies there."""
    inner = ""
    if source is not None or place is not None:
        lies = content if stored is None else stored
        where = f" name={quoteattr(source)}" if source is not None else ""
        where += f' offset="{place[0]}" length="{place[1]}"' if place is not None else ""
        inner += f'<Source type="{type}"{where}><Hash alg="SHA1" value="{hashlib.sha1(lies).hexdigest()}"/></Source>'
    if basis is not None:
        inner += f'<Basis file="{basis}"/>'
    stated = digest or hashlib.sha1(content).hexdigest()
    return (
        f'<File id="{id}" name={quoteattr(name)} length="{len(content)}" time="130859417005423072" attr="32">'
        f'<Hash alg="SHA1" value="{stated}"/><Delta>{inner}</Delta></File>'
    )


def write_cix(files: Iterable[str], *, name: str = "test.cab", type: str = "CAB") -> bytes:
    """A container index of such files."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Container name={quoteattr(name)} type="{type}" length="1" '
        f'version="1" xmlns="urn:ContainerIndex"><Description/><Files>{"".join(files)}</Files></Container>'
    ).encode()
