"""From a path to trees: containers, volumes and file systems, all read-only."""
