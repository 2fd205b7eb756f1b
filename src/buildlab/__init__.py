"""buildlab: which Windows is this, which lab built it, and which updates does it really hold?"""

__version__ = "0.1.0"
