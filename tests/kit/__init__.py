"""Writers of Windows formats, for tests and fixtures.

Nothing here imports the package under test: the kit is a second, independent reading of each format, so that a reader
and a writer cannot share one mistake.
"""
