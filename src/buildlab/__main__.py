"""``python -m buildlab``."""

from buildlab.cli import main

main()
