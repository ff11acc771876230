"""Packed glasses, and their interfaces with crystals."""
