"""Every result of an analysis as people read it: a title, numbers with unit and uncertainty, figures."""

# Imported so that `present` knows their results.
from betalps.reports.presentation import energetics, homology, hopping, structure, transport  # noqa: F401
from betalps.reports.presentation.quantity import Presentation, Quantity, lines, present

__all__ = ["Presentation", "Quantity", "lines", "present"]
