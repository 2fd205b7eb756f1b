"""Registry keys that more than one collector reads."""

CBS_KEY = r"Microsoft\Windows\CurrentVersion\Component Based Servicing"
"""Component Based Servicing, in the SOFTWARE hive."""
