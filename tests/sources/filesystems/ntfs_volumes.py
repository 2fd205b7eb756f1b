"""NTFS volumes made by mkntfs, wimlib and the tools of ntfs-3g: writers that are not ours."""

import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import FindTool

BIG = 5_000_000
MANY = 4000


@dataclass(slots=True)
class Content:
    """What was put into a volume."""

    files: dict[str, bytes]
    hard_links: dict[str, str] = field(default_factory=dict)


def content() -> Content:
    numbers = random.Random(11)
    files = {
        "empty": b"",
        "resident": b"small enough to lie in its record",
        "big.bin": numbers.randbytes(BIG),
        "zeros": bytes(300_000),
        "Windows/System32/config/SOFTWARE": numbers.randbytes(70_000),
        "n\N{LATIN SMALL LETTER U WITH DIAERESIS}tzlich/\N{CYRILLIC SMALL LETTER ZHE}.txt": b"wide",
        "\N{GRINNING FACE}": b"astral",
        "deep/" + "/".join(f"level{number}" for number in range(30)) + "/f": b"deep",
        "host": b"main stream",
        "long " + "n" * 240: b"long name",
    }
    files |= {f"many/file{number:05}.mum": b"%d" % number for number in range(MANY)}
    return Content(files, {"linked.bin": "big.bin"})


def make_volume(folder: Path, find_tool: FindTool, content: Content, *, megabytes: int, cluster: int = 4096) -> Path:
    """A volume image with `content`."""
    tree, archive, volume = folder / "tree", folder / "a.wim", folder / "volume"
    for name, data in content.files.items():
        place = tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    for name, target in content.hard_links.items():
        os.link(tree / target, tree / name)
    with volume.open("wb") as out:
        out.truncate(megabytes << 20)
    mkntfs, wimlib = find_tool("mkntfs", "ntfs-3g"), find_tool("wimlib-imagex", "wimtools")
    for command in (
        [mkntfs, "-F", "-Q", "-q", "-c", str(cluster), str(volume)],
        [wimlib, "capture", str(tree), str(archive), "--compress=none", "--threads=1"],
        [wimlib, "apply", str(archive), "1", str(volume)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return volume
