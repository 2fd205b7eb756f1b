"""Every bound on what hostile input may make us do, in one value that is passed down."""

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds. Reaching one raises `LimitExceededError` or `FormatError`, never a silent cut."""

    virtual_disk_bytes: int = 64 << 40
    """Size that a disk may state; nothing in proportion to it is ever allocated."""
    parent_chain: int = 32
    """Differencing disks on top of each other."""
    disk_table_bytes: int = 512 * MIB
    """Block allocation table of one disk container, in bytes."""
    partitions: int = 256
    extended_partition_hops: int = 128
    partition_table_bytes: int = 4 * MIB
    directory_entries: int = 2_000_000
    """Entries of one directory."""
    directory_depth: int = 128
    hive_bytes: int = 4 * GIB
    hive_log_bytes: int = 1 * GIB
    hive_path_depth: int = 512
    hive_value_bytes: int = 64 * MIB
    hive_list_entries: int = 4_000_000
    """Subkeys, or values, of one key."""
    hive_faults: int = 1_000
    """Damaged records of one list after which the rest of it is left out."""
    pe_bytes_read: int = 32 * MIB
    """Bytes read from one PE file to find its version resource."""
    xml_bytes: int = 64 * MIB
    xml_depth: int = 256
    wim_images: int = 1024
    wim_streams: int = 20_000_000
    """Entries of the lookup table."""
    wim_metadata_bytes: int = 1 * GIB
    """Directory entries of one image."""
    wim_chunk_bytes: int = 256 * MIB
    """One chunk of a solid resource, which is decoded as a whole."""
    roots: int = 64
    """Installations reported from one tree."""
    names_searched: int = 20_000
    """Folders, and files, at the top of a tree that are looked into for Windows or for hives."""


DEFAULT_LIMITS = Limits()
