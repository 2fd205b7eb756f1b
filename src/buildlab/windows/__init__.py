"""What Windows calls things: pure values, no input or output, no dependency."""
