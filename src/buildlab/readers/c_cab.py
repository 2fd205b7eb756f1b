"""Numbers of the cabinet format, after [MS-CAB] 2.1 to 2.4."""

MAGIC = b"MSCF\0\0\0\0"
"""The signature and the reserved word behind it, which is zero."""
HEADER_SIZE = 36
VERSION = 1, 3
FLAG_PREVIOUS = 1
FLAG_NEXT = 2
FLAG_RESERVE = 4

CONTINUED_FROM_PREVIOUS = 0xFFFD
CONTINUED_TO_NEXT = 0xFFFE
CONTINUED_BOTH = 0xFFFF
