"""Containers that are known by their signature and cannot be read, so that the error can name them."""

from collections.abc import Callable

from buildlab.sources.container import ContainerFormat, Probe


def _at(offset: int, *signatures: bytes) -> Callable[[Probe], bool]:
    return lambda probe: probe.head[offset:].startswith(signatures)


CABINET = ContainerFormat(kind="cab", name="cabinet", probe=_at(0, b"MSCF\0\0\0\0"))
