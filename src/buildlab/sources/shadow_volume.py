"""A volume as one of its shadow copies has it, through libvshadow."""

from typing import Any

from buildlab.errors import PathNotFoundError, UnsupportedContentError
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.shadow_catalog import ShadowCopy
from buildlab.sources.byte_sources import BlockCache
from buildlab.sources.library_bytes import LIBRARY_FAILURES, FileObject, LibraryBytes

_FORMAT = "shadow copies"


def choose_shadow_copy(copies: tuple[ShadowCopy, ...], number: int) -> ShadowCopy:
    """The shadow copy with a number; PathNotFoundError where there is none."""
    for copy in copies:
        if copy.number == number:
            return copy
    there = ", ".join(str(copy.number) for copy in copies) or "none"
    raise PathNotFoundError(f"there is no shadow copy {number}", hint=f"shadow copies here: {there}")


def open_shadow_copy(volume: ByteSource, copy: ShadowCopy) -> ByteSource:
    """The bytes of the volume when the copy was made. UnsupportedContentError without the extra that reads them."""
    try:
        import pyvshadow
    except ImportError as error:
        raise UnsupportedContentError(
            "what reads shadow copies is not installed", hint="pip install 'buildlab[shadow]'"
        ) from error
    file_object = FileObject(BlockCache(volume))
    try:
        stores: Any = pyvshadow.volume()
        stores.open_file_object(file_object)
        for index in range(stores.number_of_stores):
            store = stores.get_store(index)
            if str(store.identifier).lower() == str(copy.store):
                return _StoreBytes(stores, store, file_object)
    except LIBRARY_FAILURES as error:
        raise file_object.translated(error, _FORMAT, f"copy {copy.number} cannot be opened") from error
    raise PathNotFoundError(f"shadow copy {copy.number} has no store that can be read")


class _StoreBytes(LibraryBytes):
    """One store; it keeps the volume of the library open, which the store reads from."""

    def __init__(self, stores: Any, store: Any, file_object: FileObject) -> None:
        super().__init__(store, int(store.volume_size), file_object, _FORMAT)
        self._stores = stores
