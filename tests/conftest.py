"""Fixtures that several folders of tests share."""

import shutil
from collections.abc import Callable

import pytest

FindTool = Callable[[str, str], str]


@pytest.fixture(scope="session")
def find_tool() -> FindTool:
    """The path of a tool of the host; the test is skipped where it is missing."""

    def find(name: str, package: str) -> str:
        path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        if path is None:
            pytest.skip(f"{name} (Debian: {package}) is not installed")
        return path

    return find
