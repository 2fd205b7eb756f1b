"""Bundled facts about Windows, each with its source and its confidence, and the look-ups in them.

``primary`` is Microsoft's own text or data, ``secondary`` another's, ``unverified`` general knowledge.
"""
