"""What the container's own metadata claims of the image (the XML of a WIM, the configuration of a container image),
written at capture and often stale."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    claim = root.claim
    if claim is None:
        return
    place = Place(path=claim.path, method=claim.method, part=f"IMAGE {claim.index}")
    stated = {
        "claim.name": claim.name,
        "claim.version": claim.version,
        "claim.build": claim.build,
        "claim.edition": claim.edition,
        "claim.installation_type": claim.installation_type,
        "claim.architecture": None if claim.architecture is None else claim.architecture.value,
    }
    for subject, value in stated.items():
        if value is not None:
            ledger.fact(subject, value, place)


IMAGE_CLAIM = Collector(name="image-claim", paths=(), needs_files=False, collect=_collect)
