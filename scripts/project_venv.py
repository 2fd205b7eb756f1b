"""The project's own virtual environment in ``.venv``, made on first use and brought up to date when needed.

Needs Python 3.11 or later with pip, and nothing else.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_VENV = ROOT / ".venv"
_OLDEST = (3, 11)


def ensure_venv(extra: str | None = None) -> Path:
    """The Python of ``.venv`` with the project installed in it, and its `extra` if one is named.

    Leaves the process with a message when that cannot be done.
    """
    if sys.version_info < _OLDEST:
        sys.exit(f"buildlab needs Python {_OLDEST[0]}.{_OLDEST[1]} or later; this is {sys.version.split()[0]}")
    python = _VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        _make_venv()
    stamp = _VENV / f"installed-{extra or 'plain'}"
    wanted = _state_of_sources()
    if not stamp.exists() or stamp.read_text() != wanted:
        target = f"{ROOT}[{extra}]" if extra else str(ROOT)
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", target])
        stamp.write_text(wanted)
    return python


def _state_of_sources() -> str:
    """What an installation depends on: the packaging, and the sources of what is compiled."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (ROOT / "pyproject.toml", ROOT / "setup.py", *sorted(ROOT.glob("src/buildlab/readers/codecs/*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _make_venv() -> None:
    print("making .venv ...", file=sys.stderr)
    result = subprocess.run([sys.executable, "-m", "venv", str(_VENV)], capture_output=True, text=True)
    if result.returncode:
        sys.stderr.write(result.stdout + result.stderr)
        sys.exit("the virtual environment could not be made; on Debian and Ubuntu install the package python3-venv")


def _run(command: list[str]) -> None:
    code = subprocess.run(command).returncode
    if code:
        sys.exit(f"failed with code {code}: {' '.join(command)}")
