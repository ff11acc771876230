"""Rings of lithium: persistent homology, ring sizes, lifetimes."""
