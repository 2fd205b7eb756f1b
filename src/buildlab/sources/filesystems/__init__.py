"""One module a file system, each exposing `FileSystem` records."""
