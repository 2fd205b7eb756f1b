"""Media: what the containers on them bring with them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.container import Probe
from buildlab.sources.folder_tree import FolderTree
from buildlab.sources.media import images_on_medium, images_on_volume

FindTool = Callable[[str, str], str]


def _wim(place: Path, find_tool: FindTool) -> None:
    content = place.parent / "content of it"
    content.mkdir(parents=True)
    (content / "file").write_bytes(b"x" * 100_000)
    command = [
        find_tool("wimlib-imagex", "wimtools"),
        "capture",
        str(content),
        str(place),
        "--check",
        "--compress=none",
    ]
    subprocess.run(command, check=True, capture_output=True)


def test_checks_and_verification_of_all_containers_on_a_medium(tmp_path: Path, find_tool: FindTool) -> None:
    paths = [tmp_path / "sources/install.wim", tmp_path / "sources2/boot.wim"]
    for path in paths:
        _wim(path, find_tool)
    paths[1] = paths[1].rename(tmp_path / "sources/boot.wim")
    tree = FolderTree(tmp_path, DEFAULT_LIMITS)
    opened = images_on_medium(Probe(tmp_path, None), tree, DEFAULT_LIMITS)
    assert len(opened.images) == 2
    assert opened.tree is None
    assert opened.verify is not None
    assert [check.outcome for check in opened.verify()] == ["ok", "ok"]
    spoilt = bytearray(paths[1].read_bytes())
    spoilt[2000] ^= 1
    paths[1].write_bytes(spoilt)
    opened = images_on_medium(Probe(tmp_path, None), FolderTree(tmp_path, DEFAULT_LIMITS), DEFAULT_LIMITS)
    assert opened.verify is not None
    assert [check.outcome for check in opened.verify()] == ["ok", "damaged"]


def test_a_medium_without_images_keeps_its_tree(tmp_path: Path) -> None:
    tree = FolderTree(tmp_path, DEFAULT_LIMITS)
    opened = images_on_medium(Probe(tmp_path, None), tree, DEFAULT_LIMITS)
    assert (opened.tree, opened.images, opened.verify) == (tree, (), None)
    assert images_on_volume(tree, ["/Windows"], DEFAULT_LIMITS).images == ()
