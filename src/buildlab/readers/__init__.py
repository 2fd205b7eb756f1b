"""What one file format says: bytes in, plain values out. No reader knows where its bytes came from."""
