"""Carrying out actions, one module per kind: each calls the stages, and writes what it did in one transaction."""
