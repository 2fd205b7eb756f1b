"""Both forms of the decoders: what is installed (compiled, where that was possible), and the plain sources."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

from tests.places import SOURCE

PACKAGE = "buildlab.readers.codecs"
FOLDER = SOURCE / "readers" / "codecs"


@dataclass(frozen=True)
class Codecs:
    """The modules of one form."""

    lzx: ModuleType
    xpress: ModuleType
    lzms: ModuleType
    x86_calls: ModuleType
    prefix_code: ModuleType
    ntfs_records: ModuleType

    def decode(self, codec: str, data: bytes, size: int) -> bytes:
        decoded = getattr(getattr(self, codec), f"decompress_{codec}_chunk")(data, size)
        assert isinstance(decoded, bytes)
        return decoded


class _SourcesOnly:
    """Finds modules of the package by their source, whatever lies beside."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        file = FOLDER / f"{name.rpartition('.')[2]}.py"
        if name.rpartition(".")[0] != PACKAGE or not file.exists():
            return None
        return importlib.util.spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))


@contextmanager
def _without_installed() -> Iterator[None]:
    package = importlib.import_module(PACKAGE)
    names = [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]
    kept = {name: sys.modules.pop(name) for name in names}
    attributes = dict(vars(package))
    finder = _SourcesOnly()
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]
        for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]:
            del sys.modules[name]
        sys.modules.update(kept)
        vars(package).clear()
        vars(package).update(attributes)


def _load() -> Codecs:
    names = ("lzx", "xpress", "lzms", "x86_calls", "prefix_code", "ntfs_records")
    return Codecs(*(importlib.import_module(f"{PACKAGE}.{name}") for name in names))


@cache
def installed() -> Codecs:
    """As `import` finds them."""
    return _load()


@cache
def plain() -> Codecs:
    """The sources, run by the interpreter."""
    installed()
    with _without_installed():
        found = _load()
    assert all(str(module.__file__).endswith(".py") for module in vars(found).values())
    return found
