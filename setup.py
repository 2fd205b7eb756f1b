"""Compile the decoders in ``readers/codecs``; everything else is stated in pyproject.toml.

The same sources work without it. So every step is optional: without Cython or without a C compiler, and where
compiling fails, the installation goes on and the decoders run as plain Python. See docs/decisions/0008-codecs.md.
"""

import sys
import zlib
from pathlib import Path

from setuptools import Extension, setup

PACKAGE = Path("src", "buildlab", "readers", "codecs")
GENERATED = Path("build", "cython")


def extensions() -> list[Extension]:
    """An optional extension for each module that is written for Cython; none where Cython is missing."""
    try:
        from Cython.Build import cythonize
        from Cython.Compiler.Errors import CompileError
    except ImportError:
        return []
    found = []
    for source in sorted(PACKAGE.glob("*.py")):
        text = source.read_bytes()
        if b"\nimport cython\n" not in text:
            continue
        # The copy that is compiled knows what it was made from, so that a stale one is found out at import.
        copy = GENERATED.joinpath(*PACKAGE.parts[1:], source.name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        marked = text + f"\nSOURCE_CRC32 = {zlib.crc32(text):#010x}\n".encode()
        if not copy.exists() or copy.read_bytes() != marked:  # what is unchanged is not compiled again
            copy.write_bytes(marked)
        name = ".".join((*PACKAGE.parts[1:], source.stem))
        found.append(Extension(name, [str(copy)]))
    try:
        modules: list[Extension] = cythonize(found, language_level=3, quiet=True)
    except CompileError as error:
        print(f"the decoders stay plain Python, Cython failed: {error}", file=sys.stderr)
        return []
    for module in modules:
        module.optional = True  # cythonize would not keep it from what it was given
    return modules


setup(ext_modules=extensions())
