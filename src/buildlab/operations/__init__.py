"""Each pipeline in one short function."""
