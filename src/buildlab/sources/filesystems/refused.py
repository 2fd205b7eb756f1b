"""Volumes that may well hold Windows and cannot be read: each says what it is and what to try."""

from buildlab.errors import UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.file_system import FileSystem
from buildlab.sources.tree import Tree


def _open_refs(volume: ByteSource, limits: Limits) -> Tree:
    raise UnsupportedContentError("ReFS volume: this file system is not supported", hint="copy its files into a folder")


REFS = FileSystem(name="ReFS", probe=lambda boot: boot[3:7] == b"ReFS", open=_open_refs)
