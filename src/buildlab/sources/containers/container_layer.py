"""Container images of Windows: archives of `docker save`, the OCI image layout, and single layers."""

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.tar import is_archive
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.image_folder import is_image_folder


def _probe(probe: Probe) -> bool:
    if probe.source is None:
        return is_image_folder(probe.path)
    return is_archive(probe.head, DEFAULT_LIMITS)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.container_images import open_image

    return open_image(probe, limits)


CONTAINER_LAYER = ContainerFormat(kind="container-layer", name="container image or layer", probe=_probe, open=_open)
