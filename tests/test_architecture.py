"""The rules of the house: layers, plug-ins, names, sizes. Each contract of imports is proved by breaking it."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from buildlab.discovery import discover
from buildlab.evidence import collectors as collectors_package
from buildlab.evidence import timeline as timeline_package
from buildlab.evidence.collector import Collector, collectors
from buildlab.evidence.roots import find_roots
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.limits import DEFAULT_LIMITS
from buildlab.reports import formats as formats_package
from buildlab.reports.report_format import ReportFormat
from buildlab.sources import containers as containers_package
from buildlab.sources import filesystems as filesystems_package
from buildlab.sources import volumes as volumes_package
from buildlab.sources.container import ContainerFormat
from buildlab.sources.file_system import FileSystem
from buildlab.sources.folder_tree import FolderTree
from buildlab.sources.tree import Entry
from buildlab.sources.volume import PartitionScheme
from tests.kit.sessions import log, session
from tests.kit.systems import server_2008_6003_pending_x86
from tests.kit.windows import write_tree
from tests.places import ROOT, SOURCE

LONGEST_MODULE = 400
EMPTY_NAMES = re.compile(r"(utils?|helpers?|common|misc|base|manager|core)\.py")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]

OFFENCES = {
    "layers": ("readers/pe.py", "import buildlab.operations.scan"),
    "parsers": ("inference/product.py", "import pefile"),
    "command-line": ("operations/scan.py", "import typer"),
    "containers": ("sources/containers/vhd.py", "import buildlab.sources.containers.raw"),
    "disks": ("sources/disks/qcow2.py", "import buildlab.sources.disks.vmdk"),
    "volumes": ("sources/volumes/mbr.py", "import buildlab.sources.volumes.gpt"),
    "filesystems": ("sources/filesystems/ntfs.py", "import buildlab.sources.filesystems.refused"),
    "collectors": ("evidence/collectors/image_state.py", "import buildlab.evidence.collectors.pending_work"),
    "timeline": ("evidence/timeline/sessions.py", "import buildlab.evidence.timeline.setup_logs"),
    "formats": ("reports/formats/json.py", "import buildlab.reports.formats.text"),
    "rules": ("checks/rules/architecture.py", "import buildlab.checks.rules.windows_version"),
    "purity": ("inference/pending.py", "import pathlib"),
}
"""For each contract a module and the import that breaks it."""


def _lint_imports(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        timeout=120,
    )


def _broken(output: str) -> list[str]:
    return [line.rpartition(" BROKEN")[0].strip() for line in output.splitlines() if line.endswith(" BROKEN")]


def _copy_project(folder: Path) -> Path:
    shutil.copytree(SOURCE, folder / "src" / "buildlab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_contract_has_an_offence_that_breaks_it() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(OFFENCES)


@pytest.mark.slow
@pytest.mark.parametrize("contract", CONTRACTS, ids=[contract["id"] for contract in CONTRACTS])
def test_a_forbidden_import_breaks_its_contract(contract: dict[str, str], tmp_path: Path) -> None:
    project = _copy_project(tmp_path)
    module, offence = OFFENCES[contract["id"]]
    path = project / "src" / "buildlab" / module
    path.write_text(f"{path.read_text('utf-8')}\n{offence}\n", "utf-8")
    result = _lint_imports(project)
    assert result.returncode == 1, result.stdout + result.stderr
    assert contract["name"] in _broken(result.stdout)


@pytest.mark.slow
def test_a_new_top_level_module_without_a_layer_is_an_error(tmp_path: Path) -> None:
    project = _copy_project(tmp_path)
    (project / "src" / "buildlab" / "newcomer.py").write_text('"""Nobody said where it belongs."""\n', "utf-8")
    assert _lint_imports(project).returncode == 1


def _modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_are_short_named_and_documented(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert not EMPTY_NAMES.fullmatch(path.name)
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_public_functions_and_classes_say_what_they_promise(path: Path) -> None:
    """Small readings and overrides need none: their base or their one line says it."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            is_one_liner = isinstance(node, ast.FunctionDef) and len(node.body) <= 2
            assert ast.get_docstring(node) or is_one_liner, f"{path.name}: {node.name}"


@pytest.mark.parametrize(
    ("package", "record"),
    [
        (containers_package, ContainerFormat),
        (volumes_package, PartitionScheme),
        (filesystems_package, FileSystem),
        (collectors_package, Collector),
        (formats_package, ReportFormat),
        (timeline_package, TimelineCollector),
    ],
    ids=["containers", "volumes", "filesystems", "collectors", "formats", "timeline"],
)
def test_every_plug_in_module_is_found(package: object, record: type[object]) -> None:
    folder = Path(package.__path__[0])  # type: ignore[attr-defined]
    modules = {path.stem for path in folder.glob("*.py") if not path.name.startswith(("__", "c_"))}
    source = {name: (folder / f"{name}.py").read_text("utf-8") for name in modules}
    assert all(f"{record.__name__}(" in text for text in source.values())
    found = discover(package, record)  # type: ignore[arg-type]
    assert len(found) >= len(modules)
    if record is ReportFormat:  # which is imported by its name alone
        assert {one.name for one in found} == modules  # type: ignore[attr-defined]


class _RecordingTree(FolderTree):
    """A folder that notes which files were opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, DEFAULT_LIMITS)
        self.folder = folder.resolve()
        self.opened: set[str] = set()

    def _open(self, entry: Entry):  # type: ignore[no-untyped-def]
        self.opened.add(str(entry.handle.relative_to(self.folder / "Windows")))
        return super()._open(entry)


@pytest.mark.parametrize("collector", collectors(), ids=lambda collector: collector.name)
def test_collectors_open_only_what_they_declare(collector: Collector, tmp_path: Path) -> None:
    from buildlab.evidence.ledger import Ledger

    sessions = {"Windows/servicing/Sessions/Sessions.xml": log(session(0))}
    write_tree(server_2008_6003_pending_x86().files() | sessions, tmp_path)
    tree = _RecordingTree(tmp_path)
    (root,) = find_roots(tree, volume="", replay=True, limits=DEFAULT_LIMITS).roots
    collector.collect(root, Ledger())
    logs = r"(\.LOG[12]?)?"
    declared = [re.escape(path).replace(r"\*", "[^/]*") + logs for path in collector.paths]
    strangers = [path for path in tree.opened if not any(re.fullmatch(item, path, re.I) for item in declared)]
    assert strangers == []
    assert tree.opened or not collector.paths


def test_the_command_line_imports_no_parser_to_tell_its_version() -> None:
    code = (
        "import sys, buildlab.cli.main\n"
        "print([m for m in ('pefile', 'Registry', 'lxml', 'dissect', 'pyfsntfs', 'msgspec') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_folder_without_images_needs_no_disk_parser(tmp_path: Path) -> None:
    code = (
        "import sys, buildlab\n"
        f"buildlab.scan({str(tmp_path)!r})\n"
        "print([m for m in ('pefile', 'lxml', 'dissect') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
