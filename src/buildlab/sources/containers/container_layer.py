"""Container images of Windows: archives of `docker save`, the OCI image layout, and single layers."""

from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.container import ContainerFormat, Probe
from buildlab.sources.container_images import is_image_folder, open_image
from buildlab.sources.tar_tree import is_archive


def _probe(probe: Probe) -> bool:
    if probe.source is None:
        return is_image_folder(probe.path)
    return is_archive(probe.head, DEFAULT_LIMITS)


CONTAINER_LAYER = ContainerFormat(
    kind="container-layer", name="container image or layer", probe=_probe, open=open_image
)
