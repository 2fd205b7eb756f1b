"""Folders of the host that are container images or layers of them, told by the names in them."""

from pathlib import Path

from buildlab.windows.path import fold_name

OCI_LAYOUT = "oci-layout"
OCI_INDEX = "index.json"
_PARTS_OF_LAYER = ("HIVES", "UTILITYVM", "TOMBSTONES.TXT", "LAYERCHAIN.JSON")


def is_image_folder(path: Path) -> bool:
    """Whether a folder of the host is an OCI image layout or a layer: ``Files`` with another part of a layer or with
    Windows in it, or ``Hives`` with differencing hives. A volume with Windows at its top is none."""
    names = names_in(path)
    if not {"WINDOWS", "WINNT"}.isdisjoint(names):
        return False
    if OCI_LAYOUT.upper() in names:
        return OCI_INDEX.upper() in names
    if "FILES" in names:
        return any(part in names for part in _PARTS_OF_LAYER) or "WINDOWS" in names_in(path / names["FILES"])
    return "HIVES" in names and any(name.endswith("_DELTA") for name in names_in(path / names["HIVES"]))


def names_in(path: Path) -> dict[str, str]:
    """The names in a folder of the host by their folded form; none where it cannot be listed."""
    try:
        return {fold_name(file.name): file.name for file in path.iterdir()}
    except OSError:
        return {}
