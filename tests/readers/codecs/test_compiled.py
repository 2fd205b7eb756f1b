"""Compiled modules and their sources: which of them run, and what happens when they disagree."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from buildlab.readers import codecs as package
from buildlab.readers.codecs import compiled_codecs
from tests.places import ROOT, SOURCE
from tests.readers.codecs.variants import FOLDER, plain

SOURCES = {path.stem for path in FOLDER.glob("*.py") if "\nimport cython\n" in path.read_text("utf-8")}
COMPILED = [path for suffix in (".so", ".pyd") for path in FOLDER.glob(f"*{suffix}")]


def _run(code: str, path: Path) -> str:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_every_source_for_cython_is_listed() -> None:
    assert set(package._MODULES) == SOURCES
    assert {name for names in package._PARTS.values() for name in names} == SOURCES


def test_compiled_modules_are_those_of_their_sources() -> None:
    """Where this fails, the decoders are slow: install again (`pip install -e .`)."""
    stale = [name for name in package._MODULES if not package._is_compiled(name)]
    built_here = [path.name for path in COMPILED if path.name.partition(".")[0] in stale and _is_ours(path)]
    assert built_here == []


def test_nothing_compiled_is_left_of_modules_that_are_plain_now() -> None:
    """Python would prefer such a file to the source, and nothing tells that it is stale: remove it."""
    assert [path.name for path in COMPILED if path.name.partition(".")[0] not in package._MODULES] == []


def _is_ours(path: Path) -> bool:
    from importlib.machinery import EXTENSION_SUFFIXES

    return path.name.partition(".")[2] in {suffix[1:] for suffix in EXTENSION_SUFFIXES}


def test_plain_sources_are_what_the_other_tests_take_for_them() -> None:
    assert {Path(str(module.__file__)).suffix for module in vars(plain()).values()} == {".py"}


def _copy(folder: Path) -> Path:
    shutil.copytree(SOURCE, folder / "buildlab", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "buildlab" / "readers" / "codecs"


STATE = """
import buildlab.readers.codecs as package
from buildlab.readers.codecs import compiled_codecs, lzx, lzx_stream, xpress
assert package.__file__.startswith(sys.path[0])
from tests.readers.codecs import vectors
assert lzx.decompress_lzx_chunk(vectors.WIM_LZX_TEXT, 688) == vectors.TEXT
assert xpress.decompress_xpress_chunk(vectors.XPRESS_TEXT, 688) == vectors.TEXT
slow = sorted(name for name, is_compiled in compiled_codecs().items() if not is_compiled)
print(slow, getattr(lzx_stream, "MARK", 0))
"""


def test_a_changed_source_runs_instead_of_what_was_compiled_before(tmp_path: Path) -> None:
    if not all(compiled_codecs().values()):
        pytest.skip("the decoders are not compiled here")
    folder = _copy(tmp_path)
    state = f"sys.path.append({str(ROOT)!r})\n{STATE}"
    assert _run(state, tmp_path) == "[] 0"
    source = folder / "lzx_stream.py"
    source.write_text(source.read_text("utf-8") + "\nMARK = 7\n", "utf-8")
    assert _run(state, tmp_path) == "['lzx'] 7"


def test_without_anything_compiled(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    for path in (*folder.glob("*.so"), *folder.glob("*.pyd")):
        path.unlink()
    state = f"sys.path.append({str(ROOT)!r})\n{STATE}"
    assert _run(state, tmp_path) == "['delta', 'lzms', 'lznt1', 'lzx', 'ntfs', 'xpress'] 0"


def test_a_compiled_module_that_cannot_be_loaded(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    for path in folder.glob("lzx_stream.*.so"):
        path.write_bytes(b"no library")
    state = f"sys.path.append({str(ROOT)!r})\n{STATE}"
    assert "lzx" in _run(state, tmp_path)


def test_telling_the_version_imports_neither_decoders_nor_cython() -> None:
    names = "[m for m in sys.modules if m == 'cython' or m.startswith('buildlab.readers.codecs')]"
    code = f"import buildlab.cli.main\nprint({names})"
    assert _run(code, SOURCE.parent) == "[]"


def test_the_build_asks_for_cython_and_the_package_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert any(need.startswith("cython") for need in project["build-system"]["requires"])
    assert any(need.startswith("cython") for need in project["project"]["dependencies"])
