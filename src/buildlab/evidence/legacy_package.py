"""Updates of Windows XP and Server 2003: what their ``update.inf`` states, and the machines of their files."""

from dataclasses import dataclass

from buildlab.errors import BuildlabError, FormatError
from buildlab.evidence.fact import Gap, gap_kind
from buildlab.limits import Limits
from buildlab.readers.pe import read_pe
from buildlab.readers.update_inf import UpdateInf as UpdateInf
from buildlab.readers.update_inf import is_update_inf, read_update_inf
from buildlab.sources.package_files import PackageFile

_INSTALLER = "update/update.exe"
_PROGRAMS = (".exe", ".dll", ".sys", ".ocx", ".drv")
_MOST_PROGRAMS = 8
"""Payload files whose header is read: the machine is the same for all but a few."""
_WHOLE = "update.inf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyPackage:
    """An update from before component-based servicing.

    `machines` are the machine numbers in the headers of files that it installs, and of its installer, by path.
    """

    inf: UpdateInf
    machines: tuple[tuple[str, int], ...]


def is_legacy_package(names: list[str]) -> bool:
    """Whether the files of a package are those of such an update."""
    return any(is_update_inf(_last(name)) for name in names)


def read_legacy_package(
    file: PackageFile, names: list[str], limits: Limits
) -> tuple[LegacyPackage | None, tuple[Gap, ...]]:
    """What the update states, None where no ``update.inf`` of it can be read; and what could not be read."""
    gaps: list[Gap] = []
    infs: list[UpdateInf] = []
    for name in sorted(filter(lambda one: is_update_inf(_last(one)), names), key=_inf_rank):
        try:
            infs.append(read_update_inf(file.tree.read(name, limits.inf_bytes), limits))
        except BuildlabError as error:
            gaps.append(_gap("update-inf", file, name, error))
    if not infs:
        return None, tuple(gaps)
    machines: list[tuple[str, int]] = []
    for name in _programs(names):
        try:
            machines.append((name, read_pe(file.tree.open(name), limits).machine))
        except FormatError:
            continue  # compressed, or no program for all its name: other files tell the machine
        except BuildlabError as error:
            gaps.append(_gap("package-member", file, name, error))
    return LegacyPackage(inf=infs[0], machines=tuple(machines)), tuple(gaps)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _inf_rank(name: str) -> tuple[bool, str]:
    """The INF without a branch first."""
    return _last(name).lower() != _WHOLE, name.lower()


def _programs(names: list[str]) -> list[str]:
    payload = [name for name in names if name.lower().endswith(_PROGRAMS) and not name.lower().startswith("update/")]
    installer = [name for name in names if name.lower() == _INSTALLER]
    return installer + [name for name in payload if "/" in name][:_MOST_PROGRAMS]


def _gap(subject: str, file: PackageFile, name: str, error: BuildlabError) -> Gap:
    return Gap(subject=subject, kind=gap_kind(error), path=f"{file.path}!{name}", reason=error.message)
