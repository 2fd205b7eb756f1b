"""Measure how fast the decoders of `readers/codecs` are, next to libwim over the same chunks in the same run.

    .venv/bin/python scripts/bench_codecs.py [--megabytes N] [--runs N] [--json FILE]

The chunks are binaries (the interpreter and its libraries) and texts (its standard library), compressed by libwim
(Debian: libwim15). Chunks that do not get smaller are left out, for files keep them raw. Speed is MB of output a
second, the best of some runs; `share` is ours by libwim's. A share of 0.4 is due where the decoders are compiled.

Exit codes: 0 measured, 1 an output was wrong or a share too small, 2 libwim is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from buildlab.readers.codecs import compiled_codecs  # noqa: E402
from buildlab.readers.codecs.lzms import decompress_lzms_chunk  # noqa: E402
from buildlab.readers.codecs.lzx import decompress_lzx_chunk  # noqa: E402
from buildlab.readers.codecs.xpress import decompress_xpress_chunk  # noqa: E402
from tests.readers.codecs.libwim import Chunk, compress, decompressor, find_libwim  # noqa: E402

DUE = 0.4
CASES = (
    ("xpress", 4 << 10),
    ("xpress", 32 << 10),
    ("lzx", 32 << 10),
    ("lzx", 1 << 20),
    ("lzms", 128 << 10),
    ("lzms", 1 << 20),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One codec at one chunk size over one material. Speeds in MB a second."""

    material: str
    codec: str
    chunk_size: int
    ratio: float
    ours: float
    libwim: float
    share: float
    right: bool


def materials(size: int) -> dict[str, bytes]:
    """`size` bytes of each kind, from the running interpreter."""
    paths = sysconfig.get_paths()
    libraries = sorted(Path(paths["platstdlib"]).rglob("*.so"))
    shared = sorted(Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib").glob("libpython*.so*"))
    texts = sorted(Path(paths["stdlib"]).glob("*.py"))
    binaries = [Path(sys.executable).resolve(), *shared, *libraries]
    return {"binaries": _start_of(binaries, size), "texts": _start_of(texts, size)}


def _start_of(files: Sequence[Path], size: int) -> bytes:
    data = bytearray()
    for file in files:
        if len(data) >= size:
            break
        data += file.read_bytes()
    return bytes(data[:size])


def decoder(codec: str, chunk_size: int) -> Callable[[bytes, int], bytes]:
    """Our decoder of one chunk."""
    if codec == "lzx":
        return partial(decompress_lzx_chunk, chunk_size=chunk_size)
    return {"xpress": decompress_xpress_chunk, "lzms": decompress_lzms_chunk}[codec]


def measure(material: str, data: bytes, codec: str, chunk_size: int, runs: int) -> Measurement:
    """Both decoders over the same chunks, in turns; of each chunk the best of all runs counts."""
    packed: list[tuple[bytes, Chunk]] = [
        (chunk.stored, chunk) for chunk in compress(codec, data, chunk_size) if chunk.stored is not None
    ]
    total = sum(len(chunk.plain) for _, chunk in packed)
    ours = decoder(codec, chunk_size)
    mine, theirs = [float("inf")] * len(packed), [float("inf")] * len(packed)
    with decompressor(codec, chunk_size) as libwim:
        for _ in range(runs):
            for number, (stored, chunk) in enumerate(packed):
                started = time.perf_counter()
                ours(stored, len(chunk.plain))
                between = time.perf_counter()
                libwim.run(stored, len(chunk.plain))
                mine[number] = min(mine[number], between - started)
                theirs[number] = min(theirs[number], time.perf_counter() - between)
    return Measurement(
        material=material,
        codec=codec,
        chunk_size=chunk_size,
        ratio=round(total / sum(len(stored) for stored, _ in packed), 2),
        ours=round(total / sum(mine) / 1e6, 1),
        libwim=round(total / sum(theirs) / 1e6, 1),
        share=round(sum(theirs) / sum(mine), 2),
        right=all(ours(stored, len(chunk.plain)) == chunk.plain for stored, chunk in packed),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see the top of the file for what it gives back."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=16, help="of each material; 1 is enough for plain Python")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the measurements here as well")
    options = parser.parse_args(arguments)
    if find_libwim() is None:
        print("bench_codecs: libwim.so.15 is missing (Debian: libwim15)", file=sys.stderr)
        return 2
    compiled = compiled_codecs()
    print(f"compiled: {', '.join(name for name, is_compiled in compiled.items() if is_compiled) or 'nothing'}")
    print(f"{'material':10}{'codec':8}{'chunk':>9}{'ratio':>7}{'ours':>9}{'libwim':>9}{'share':>7}")
    found = []
    for material, data in materials(options.megabytes << 20).items():
        for codec, chunk_size in CASES:
            one = measure(material, data, codec, chunk_size, options.runs)
            found.append(one)
            mark = "" if one.right else "  WRONG"
            print(
                f"{material:10}{codec:8}{chunk_size:9}{one.ratio:7.2f}{one.ours:9.1f}{one.libwim:9.1f}"
                f"{one.share:7.2f}{mark}",
                flush=True,
            )
    if options.json is not None:
        document = {"compiled": compiled, "measurements": [asdict(one) for one in found]}
        options.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    is_slow = all(compiled.values()) and any(one.share < DUE for one in found)
    return 1 if is_slow or not all(one.right for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
