"""Partially occupied sites: their distinct, random and favourable fillings."""
