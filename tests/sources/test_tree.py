"""Look-up in trees, on a tree of a few names."""

from collections.abc import Iterable

import pytest

from buildlab.errors import FormatError, LimitExceededError, PathNotFoundError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.tree import Entry, Tree


class Names(Tree):
    """Folders as dicts, files as bytes; counts how often a folder is listed."""

    def __init__(self, content: dict[str, object], limits: Limits | None = None) -> None:
        super().__init__(limits or Limits())
        self._content = content
        self.listed = 0

    def _root(self) -> Entry:
        return Entry("", "directory", 0, self._content)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        self.listed += 1
        for name, content in directory.handle.items():
            if isinstance(content, bytes):
                yield Entry(name, "file", len(content), content)
            elif content is None:
                yield Entry(name, "link", 0, None)
            else:
                yield Entry(name, "directory", 0, content)

    def _open(self, entry: Entry) -> ByteSource:
        return MemoryBytes(entry.handle)


def sample(limits: Limits | None = None) -> Names:
    return Names(
        {
            "Windows": {"System32": {"config": {"SYSTEM": b"system"}}, "a": b"1", "A": b"2"},
            "WINDOWS": {"other": b"3"},
            "out": None,
        },
        limits,
    )


@pytest.mark.parametrize(
    "path",
    ["/Windows/System32/config/SYSTEM", "windows\\SYSTEM32\\CONFIG\\system", "Windows//System32/./config/system"],
)
def test_case_and_separators_do_not_matter(path: str) -> None:
    assert sample().read(path, 100) == b"system"


def test_of_names_that_differ_in_case_the_exact_one_wins() -> None:
    tree = sample()
    assert (tree.read("Windows/a", 9), tree.read("Windows/A", 9)) == (b"1", b"2")


def test_folders_that_differ_in_case_keep_their_own_content() -> None:
    tree = sample()
    assert [entry.name for entry in tree.entries("Windows")] == ["System32", "a", "A"]
    assert [entry.name for entry in tree.entries("WINDOWS")] == ["other"]
    assert tree.read("WINDOWS/other", 9) == b"3"


@pytest.mark.parametrize("path", ["Windows/absent", "Windows/a/b", "../Windows", "Windows/..", "absent/x", "out/x"])
def test_what_is_not_there_is_none(path: str) -> None:
    assert sample().entry(path) is None


@pytest.mark.parametrize("path", ["absent", "out", "Windows/absent"])
def test_opening_what_is_not_there(path: str) -> None:
    with pytest.raises(PathNotFoundError):
        sample().open(path)


def test_opening_a_folder() -> None:
    with pytest.raises(FormatError, match="directory"):
        sample().open("Windows")


@pytest.mark.parametrize("path", ["Windows/a", "absent"])
def test_listing_what_is_no_folder(path: str) -> None:
    with pytest.raises(PathNotFoundError):
        sample().entries(path)


def test_a_folder_is_listed_once() -> None:
    tree = sample()
    for _ in range(5):
        tree.entry("Windows/System32/config/SYSTEM")
    assert tree.listed == 4


def test_reading_is_bounded() -> None:
    with pytest.raises(LimitExceededError):
        sample().read("Windows/System32/config/SYSTEM", 5)


def test_the_entries_of_a_folder_are_bounded() -> None:
    with pytest.raises(LimitExceededError):
        sample(Limits(directory_entries=2)).entries("Windows")


def test_depth_is_bounded() -> None:
    with pytest.raises(LimitExceededError):
        sample(Limits(directory_depth=3)).entry("a/b/c/d")


def test_the_depth_of_a_folder_that_is_listed_is_bounded_too() -> None:
    with pytest.raises(LimitExceededError):
        sample(Limits(directory_depth=3)).entries("a/b/c/d")


def test_an_entry_that_was_listed_is_opened_without_another_look() -> None:
    tree = sample()
    entry = next(entry for entry in tree.entries("Windows") if entry.name == "A")
    listed = tree.listed
    assert tree.read_entry(entry, "Windows/A", 9) == tree.open_entry(entry, "Windows/A").read_at(0, 9) == b"2"
    assert tree.listed == listed


def test_reading_a_listed_entry_is_bounded() -> None:
    tree = sample()
    entry = next(entry for entry in tree.entries("Windows") if entry.name == "A")
    with pytest.raises(LimitExceededError):
        tree.read_entry(entry, "Windows/A", 0)
