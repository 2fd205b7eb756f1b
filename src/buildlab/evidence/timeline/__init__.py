"""Sources of events, one module each."""
