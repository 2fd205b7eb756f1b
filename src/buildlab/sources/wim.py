"""WIM files: normal, solid (ESD), split and pipable; one tree for each image."""

from functools import partial
from typing import Literal

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.c_wim import FLAG_WRITE_IN_PROGRESS
from buildlab.readers.image_claim import ImageClaim
from buildlab.readers.wim_integrity import read_integrity_table
from buildlab.sources.container import ImagePart, Opened, Probe
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.wim_parts import WimFile, WimPart, WimTree, open_wim


def open_wim_file(probe: Probe, limits: Limits) -> Opened:
    """The images of a WIM; FormatError where its header or lookup table is damaged."""
    assert probe.source is not None
    wim = open_wim(probe, probe.source, limits)
    header = wim.first.header
    if header.images > limits.wim_images or header.images > len(wim.metadata):
        raise FormatError("wim", f"states {header.images} images and has metadata of {len(wim.metadata)}", offset=44)
    damage: list[BuildlabError] = []
    if header.flags & FLAG_WRITE_IN_PROGRESS:
        damage.append(FormatError("wim", "writing it was begun and not finished", offset=16))
    if wim.missing:
        parts = ", ".join(str(number) for number in wim.missing)
        damage.append(
            TruncatedError(f"parts {parts} of the split WIM are not beside it, or cannot be read", path=str(probe.path))
        )
    images = _images(wim, header.images, damage, limits)
    files = [part for _, part in sorted(wim.parts.items())]
    others = [] if probe.tree is not None else [part.path.name for part in files if part.source is not probe.source]
    return Opened(
        images=images,
        damage=tuple(damage),
        checks=tuple(_integrity(part, "not-checked", "it has a table of hashes") for part in files if part.is_hashed),
        files=tuple(probe.path.with_name(name) for name in others),
        verify=lambda: tuple(_verified(part, limits) for part in files),
    )


def _integrity(part: WimPart, outcome: Literal["ok", "damaged", "not-checked"], detail: str) -> SourceCheck:
    return SourceCheck(check="wim-integrity", outcome=outcome, detail=f"{part.path.name}: {detail}")


def _verified(part: WimPart, limits: Limits) -> SourceCheck:
    """The file of a part held against its integrity table."""
    try:
        table = read_integrity_table(part.source, part.header, limits)
        if table is None:
            return _integrity(part, "not-checked", "it has no table of hashes")
        wrong = table.first_wrong(part.source)
    except BuildlabError as error:
        return _integrity(part, "damaged", error.message)
    if wrong is not None:
        number, offset = wrong
        chunks = f"chunk {number + 1} of {len(table.hashes)}"
        return _integrity(part, "damaged", f"{chunks}, from offset {offset:#x} on, does not have its hash")
    return _integrity(part, "ok", f"all {len(table.hashes)} chunks have their hash")


def _images(wim: WimFile, count: int, damage: list[BuildlabError], limits: Limits) -> tuple[ImagePart, ...]:
    try:
        claims = {claim.index: claim for claim in wim.claims()}
    except BuildlabError as error:
        damage.append(error)
        claims = {}
    return tuple(_image(wim, number, claims.get(number), limits) for number in range(1, count + 1))


def _image(wim: WimFile, number: int, claim: ImageClaim | None, limits: Limits) -> ImagePart:
    name = None if claim is None else claim.name
    return ImagePart(number=number, name=name, open=partial(WimTree, wim, number, limits), claim=claim)
