"""Decompressors of the formats that Windows packs its files with, and what else is decoded byte by byte.

Each module works as it stands, in plain Python, and 50 to 200 times faster where the installation compiled it. A
compiled module beside a source that was changed since is put aside here for its source: slow, and right.
"""

import importlib.util
import sys
import zlib
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, SourceFileLoader
from pathlib import Path

_FOLDER = Path(__file__).parent
_MODULES = (
    *("prefix_code", "x86_calls", "xpress", "lznt1", "lzx_stream", "lzms_codes", "lzms_stream"),
    *("delta_bits", "delta_tokens", "delta_x86", "ntfs_records"),
)
"""What setup.py compiles; a module stands behind those that it imports."""
_PARTS = {
    "delta": ("x86_calls", "delta_bits", "delta_tokens", "delta_x86"),
    "lzx": ("prefix_code", "x86_calls", "lzx_stream"),
    "lzms": ("prefix_code", "x86_calls", "lzms_codes", "lzms_stream"),
    "lznt1": ("lznt1",),
    "ntfs": ("ntfs_records",),
    "xpress": ("prefix_code", "xpress"),
}


def compiled_codecs() -> dict[str, bool]:
    """For each codec, whether what runs is compiled in all of its modules."""
    return {codec: all(_is_compiled(name) for name in names) for codec, names in _PARTS.items()}


def _is_compiled(name: str) -> bool:
    spec = importlib.util.find_spec(f"{__name__}.{name}")
    return spec is not None and isinstance(spec.loader, ExtensionFileLoader)


def _put_stale_aside() -> None:
    """Load the sources of those compiled modules that were made from other ones."""
    for name in _MODULES:
        if not any((_FOLDER / f"{name}{suffix}").exists() for suffix in EXTENSION_SUFFIXES):
            continue
        full_name = f"{__name__}.{name}"
        source = _FOLDER / f"{name}.py"
        try:
            made_from = getattr(importlib.import_module(full_name), "SOURCE_CRC32", None)
            if not source.exists() or made_from == zlib.crc32(source.read_bytes()):
                continue
        except ImportError:
            pass  # made for another build of the interpreter
        loader = SourceFileLoader(full_name, str(source))
        spec = importlib.util.spec_from_file_location(full_name, source, loader=loader)
        assert spec is not None
        sys.modules[full_name] = module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        setattr(sys.modules[__name__], name, module)


_put_stale_aside()
