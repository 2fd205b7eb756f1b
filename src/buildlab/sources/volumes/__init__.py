"""One module a partitioning scheme, each exposing a `PartitionScheme`."""
