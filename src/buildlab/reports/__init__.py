"""Results in words and in data: one module a format."""
