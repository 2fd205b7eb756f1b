"""Conclusions from facts: pure functions, with no input or output and no clock."""
