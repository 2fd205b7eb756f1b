"""The command line: parse, call, print, exit code."""

from buildlab.cli.main import main

__all__ = ["main"]
