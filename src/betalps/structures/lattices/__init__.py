"""Lattice planes, cells that two planes share, and what turns one grain into the other: theory without atoms."""
