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
    shadow_catalog_blocks: int = 64
    """Blocks of the catalogue of shadow copies; Windows keeps up to 512 copies, two entries of 128 bytes name each."""
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
    registered_update_reads: int = 250_000
    """Keys, values and KiB of values read of updates that are no packages of servicing."""
    pe_bytes_read: int = 32 * MIB
    """Bytes read from one PE file to find its version resource."""
    inf_bytes: int = 16 * MIB
    """One INF file; again what replacing its tokens adds."""
    inf_values: int = 250_000
    """Lines of an INF file, and values of all its lines."""
    self_extractor_search: int = 64 * KIB
    """Bytes of one part of a program in which its cabinet may begin."""
    xml_bytes: int = 64 * MIB
    xml_depth: int = 256
    wim_images: int = 1024
    wim_streams: int = 20_000_000
    """Entries of the lookup table."""
    wim_metadata_bytes: int = 1 * GIB
    """Directory entries of one image."""
    wim_chunk_bytes: int = 256 * MIB
    """One chunk of a solid resource, which is decoded as a whole."""
    delta_bytes: int = 512 * MIB
    """What one delta may make, or be applied to."""
    delta_blocks: int = 4096
    """Changes of the prefix codes in one delta."""
    delta_rift_entries: int = 65_536
    """Entries of one map between positions in a file and in its next version."""
    delta_table_entries: int = 2_000_000
    """Imports, exports, resources, relocations and functions of a PE file that a delta is applied to."""
    package_files: int = 250_000
    """Files that one container index states."""
    package_bytes: int = 64 * GIB
    """All the files of one container index together."""
    package_basis_depth: int = 256
    """Files on top of each other that one is made of; 21 were the most seen."""
    package_bytes_held: int = 1 * GIB
    """Files kept in memory because others of the package are made of them."""
    cab_parts: int = 256
    """Cabinets of one set."""
    cab_members: int = 1_000_000
    """Files of all cabinets of one set; a single cabinet can have 65,535."""
    cab_folder_blocks: int = 262_144
    """Data blocks of one folder over all cabinets; 131,072 whole ones hold all that a file can lie in."""
    cab_decoded_bytes: int = 256 * GIB
    """Bytes decoded from one cabinet and handed out of it, repeated ones included."""
    cab_ratio: int = 1024
    """The same as a multiple of the cabinet's size, where that is more than `cab_free_bytes`."""
    cab_free_bytes: int = 1 * GIB
    """Bytes that may be decoded from a cabinet of any size."""
    cab_kept_bytes: int = 32 * MIB
    """Decoded blocks of one cabinet that are kept."""
    signature_bytes: int = 64 * MIB
    """One PKCS#7 message; a security catalogue is one."""
    signature_certificates: int = 64
    signature_attributes: int = 256
    """Attributes and their values, of one signer."""
    signature_links: int = 128
    """Certificates compared with a possible issuer while one chain is looked for."""
    signature_nested: int = 8
    """Further signatures in one, and entries of a certificate table."""
    trust_list_entries: int = 250_000
    """Members of a catalogue."""
    package_depth: int = 8
    """Package files inside one another."""
    archive_members: int = 1_000_000
    """Members of one archive of files, and folders that their names imply."""
    archive_header_bytes: int = 1 * MIB
    """Extended header of one member."""
    compressed_ratio: int = 200
    """Times that compressed layers may expand, beyond `compressed_free_bytes`."""
    compressed_free_bytes: int = 64 * MIB
    container_images: int = 256
    """Images in one archive or layout."""
    container_layers: int = 127
    """Layers of one image; Windows stacks no more hives."""
    container_manifest_bytes: int = 8 * MIB
    knowledge_bytes: int = 64 * MIB
    """One document or table that is imported."""
    imported_bytes: int = 2 * GIB
    """One file of imported data."""
    knowledge_rows: int = 2_000_000
    """Rows of one document that is imported."""
    knowledge_files: int = 10_000
    """Files of imported data."""
    wsus_xml_bytes: int = 1 * GIB
    """package.xml of the metadata for update services, which is read as it comes."""
    roots: int = 64
    """Installations reported from one tree."""
    log_events: int = 250_000
    """Events taken from one log, and from all logs of one installation."""
    names_searched: int = 20_000
    """Folders, and files, at the top of a tree that are looked into for Windows or for hives."""


DEFAULT_LIMITS = Limits()
