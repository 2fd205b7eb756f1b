"""One module a container format, each exposing a `ContainerFormat`."""
