"""Paths inside a Windows volume: either separator, and case that does not matter."""


def fold_name(name: str) -> str:
    """The key under which NTFS treats two names as one.

    NTFS upper-cases one UTF-16 unit at a time with its ``$UpCase`` table, in which a character stays as it is when its
    upper case is longer (``ß``) or belongs to another letter (``ı``, ``µ``, ``ς``). `str.casefold` would join names
    that NTFS keeps apart. Only some letters that Unicode got after Windows Vista fold here and not there.
    """
    return name.upper() if name.isascii() else "".join(map(_upcase, name))


def _upcase(char: str) -> str:
    upper = char.upper()
    return upper if upper.lower() == char else char


def split_path(path: str) -> tuple[str, ...]:
    """The names of a path, without empty ones and ``.``; ``..`` stays, and no tree has an entry of that name."""
    return tuple(name for name in path.replace("\\", "/").split("/") if name not in ("", "."))


def join_path(*parts: str) -> str:
    """An absolute path with ``/``, the form in which every output shows places inside a volume."""
    return "/" + "/".join(name for part in parts for name in split_path(part))
