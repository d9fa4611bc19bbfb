"""Portable models: signatures, formats that hold no code, and their proofs."""
