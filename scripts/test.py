"""Install buildlab with its test extra into ``.venv`` and run every check: ruff, mypy, import-linter, pytest.

``--quick`` leaves out the tests marked slow; everything else is passed on to pytest.
"""

import subprocess
import sys
import time

from project_venv import ROOT, ensure_venv


def main() -> int:
    """Run all checks, even after one failed; 0 when every one passed."""
    arguments = sys.argv[1:]
    quick = "--quick" in arguments
    arguments = [argument for argument in arguments if argument != "--quick"]
    python = ensure_venv("test")
    tool = python.parent
    pytest = [str(python), "-m", "pytest", *(["-m", "not slow"] if quick else []), *arguments]
    checks = {
        "ruff check": [str(tool / "ruff"), "check", "."],
        "ruff format": [str(tool / "ruff"), "format", "--check", "."],
        "mypy": [str(tool / "mypy")],
        "import-linter": [str(tool / "lint-imports")],
        "pytest": pytest,
    }
    failed = [name for name, command in checks.items() if not _passes(name, command)]
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT).returncode
    outcome = "ok" if code == 0 else f"failed with code {code}"
    print(f"== {name}: {outcome}, {time.monotonic() - started:.1f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
