"""Contract checks for any ASE calculator.

They ask of a calculator what physics and ASE ask of it: forces and stress are derivatives of the energy,
nothing depends on where the origin is, how space is turned, how atoms are numbered or which cell describes
the crystal, and one structure's results never reach another's.
"""

from betalps.testing.calculator import check_calculator
from betalps.testing.report import CalculatorCheckError, CalculatorReport, Check

__all__ = ["CalculatorCheckError", "CalculatorReport", "Check", "check_calculator"]
