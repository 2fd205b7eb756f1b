"""``CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}``: the catalogues that sign what packages brought.

Servicing puts ``<identity>.cat`` there for each package. The folder is listed, no catalogue is opened.
"""

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.windows.package_identity import parse_package_identity

_FOLDER = "System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
_ENDING = ".cat"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    with ledger.gap_on_error("package-catalogues", root.path(_FOLDER)):
        names = (entry.name.lower() for entry in root.entries(_FOLDER) if entry.kind == "file")
        stems = (name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))
        identities = frozenset(stem for stem in stems if parse_package_identity(stem) is not None)
        if identities:
            ledger.catalogues(identities)
            place = Place(path=root.path(_FOLDER), method="folder-listing")
            ledger.fact("package.catalogues", len(identities), place)


PACKAGE_CATALOGUES = Collector(name="package-catalogues", paths=(), needs_files=True, collect=_collect)
