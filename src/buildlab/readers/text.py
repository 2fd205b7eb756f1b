"""Text files of unknown encoding."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(data: bytes) -> str:
    """Decode by the byte-order mark; without one as UTF-16 where every other byte of the start is zero, as UTF-8 where
    it is valid, else as Windows-1252, in which bytes without a meaning become U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    head = data[:64]
    if len(head) >= 4 and not any(head[1::2]) and any(head[::2]):
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
