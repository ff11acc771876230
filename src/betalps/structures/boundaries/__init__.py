"""Grain boundaries of any crystal: cut, joined, shifted, checked, and recorded."""
