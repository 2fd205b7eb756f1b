"""Facts with their places, and gaps with their reasons."""
