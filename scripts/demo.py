"""Install buildlab into ``.venv`` and scan a bundled sample image: Windows Server 2008 SP2 at build 6003."""

import subprocess
import sys

from project_venv import ROOT, ensure_venv

SAMPLE = "fixtures/server2008sp2-6003-amd64.vhd"


def main() -> int:
    """Scan the sample, or the targets given on the command line; the exit code is that of the scan."""
    python = ensure_venv()
    command = [str(python), "-m", "buildlab", "scan", *(sys.argv[1:] or [SAMPLE])]
    print("$ buildlab", *command[3:], flush=True)
    return subprocess.run(command, cwd=None if sys.argv[1:] else ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
