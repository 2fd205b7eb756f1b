"""What real updates hold for update services, imported."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.inference.knowledge_age import package_with_age_of_knowledge
from buildlab.knowledge.imported import read_imports
from buildlab.operations.knowledge import import_knowledge, verify_knowledge
from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.sources.package_files import open_package_file


@pytest.mark.parametrize(
    ("word", "created", "digest"),
    [("x64", "2009-07-14T14:26:40Z", "xBCID7pc1FjGT0w1gEEk2xoTfNQ="), ("x86", "2009-07-14T13:16:13Z", None)],
)
def test_an_update_of_vista(real_folder: Path, tmp_path: Path, word: str, created: str, digest: str | None) -> None:
    path = real_folder / "msu" / f"Windows6.0-KB971286-{word}.msu"
    result = import_knowledge([path], tmp_path, "2026-11-20")
    assert (result.exit.code, result.errors) == (0, ())
    (document,) = read_imports(tmp_path).documents
    assert (document.stated, document.title) == (created, "Update for Windows (KB971286)")
    assert document.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert document.notes == (
        "2 revisions of software of 765; the others are categories and detection",
        "2 revisions have another identifier in their own metadata than in package.xml",
    )
    bundle, update = document.tables["update_metadata"]
    assert [(row["kb"], row["kb_basis"], row["kind"]) for row in (bundle, update)] == [
        ("KB971286", "stated", "bundle"),
        ("KB971286", "package", "update"),
    ]
    assert update["bundled_by"] == bundle["update_id"]
    assert bundle["prerequisite_names"].split(";")[1:] == ["Updates", "Windows"]
    assert {row["supersedes"] + row["superseded_by"] for row in (bundle, update)} == {""}
    name = f"Windows6.0-KB971286-{word}.cab"
    with open_package_file(path) as msu:
        inner = msu.tree.open(f"/{name}")
        payload = inner.read_at(0, inner.size)
    sha1 = hashlib.sha1(payload)
    assert (update["file_names"], update["file_sha1"]) == (name, sha1.hexdigest())
    assert digest is None or base64.b64decode(digest) == sha1.digest()
    assert len(payload) == int(update["file_sizes"])
    assert [one for one in verify_knowledge(tmp_path).findings if one.origin != "bundled"] == []


def test_a_package_that_is_newer_than_the_data(real_folder: Path) -> None:
    options = PackagesOptions(as_of=datetime(2026, 11, 20, tzinfo=UTC), jobs=1)
    (package,) = inspect_packages([real_folder / "msu" / "Windows6.0-KB2999226-x64.cab"], options).packages
    assert package_with_age_of_knowledge(package, "2015-09-10") is package
    (gap,) = package_with_age_of_knowledge(package, "2015-09-09").gaps[len(package.gaps) :]
    assert gap.reason.startswith("the package was signed on 2015-09-10, the bundled data is of 2015-09-09")
    assert not gap.makes_partial
