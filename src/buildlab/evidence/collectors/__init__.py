"""One module a kind of evidence, each exposing a `Collector`."""
