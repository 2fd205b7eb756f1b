"""Streams of LZX written bit by bit, for what no encoder makes."""


class LzxBits:
    """Bits in 16-bit little-endian words, most significant bit first."""

    def __init__(self) -> None:
        self._bits: list[int] = []
        self._done = bytearray()

    def put(self, value: int, number: int) -> "LzxBits":
        self._bits += [value >> (number - 1 - index) & 1 for index in range(number)]
        return self

    def flush(self, *, always: bool = False) -> "LzxBits":
        """Fill the last word with zeros; `always` adds a whole one where nothing is begun, as before raw blocks."""
        if always and not len(self._bits) % 16:
            self.put(0, 16)
        self.put(0, -len(self._bits) % 16)
        for start in range(0, len(self._bits), 16):
            word = int("".join(map(str, self._bits[start : start + 16])), 2)
            self._done += word.to_bytes(2, "little")
        self._bits = []
        return self

    def raw(self, data: bytes) -> "LzxBits":
        self.flush()
        self._done += data
        return self

    def bytes(self) -> bytes:
        return bytes(self.flush()._done)

    def pretree(self) -> "LzxBits":
        """Twelve symbols of 4 bits (0 to 11) and eight of 5 (12 to 19): code of a symbol below."""
        for symbol in range(20):
            self.put(4 if symbol < 12 else 5, 4)
        return self

    def length(self, symbol: int) -> "LzxBits":
        return self.put(symbol, 4) if symbol < 12 else self.put(24 + symbol - 12, 5)

    def lengths(self, old: list[int], new: list[int]) -> "LzxBits":
        """A pretree, and the difference of each length to the one before."""
        self.pretree()
        for before, after in zip(old, new, strict=True):
            self.length((before - after) % 17)
        return self


def wim_block_header(kind: int, size: int | None = None) -> LzxBits:
    """The header of a block of a 32 KiB chunk; 32,768 bytes where no `size` is given."""
    bits = LzxBits().put(kind, 3)
    return bits.put(1, 1) if size is None else bits.put(0, 1).put(size, 16)


def raw_block(recent: tuple[int, int, int], data: bytes) -> LzxBits:
    """A raw block with its offsets."""
    bits = wim_block_header(3, len(data)).flush(always=True)
    bits.raw(b"".join(value.to_bytes(4, "little") for value in recent) + data)
    return bits.raw(bytes(len(data) % 2))
