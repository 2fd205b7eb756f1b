"""Disks put together from pieces: several files one after another, grains in any order, a parent underneath."""
