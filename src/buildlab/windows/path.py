"""Paths inside a Windows volume: either separator, and case that does not matter."""


def fold_name(name: str) -> str:
    """The key under which NTFS treats two names as one.

    NTFS upper-cases one UTF-16 unit at a time with its ``$UpCase`` table, so a character whose upper case is longer
    (``ß``) stays as it is; `str.casefold` would join names that NTFS keeps apart.
    """
    if name.isascii():
        return name.upper()
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in name)


def split_path(path: str) -> tuple[str, ...]:
    """The names of a path, without empty ones and ``.``; ``..`` stays, and no tree has an entry of that name."""
    return tuple(name for name in path.replace("\\", "/").split("/") if name not in ("", "."))


def join_path(*parts: str) -> str:
    """An absolute path with ``/``, the form in which every output shows places inside a volume."""
    return "/" + "/".join(name for part in parts for name in split_path(part))
