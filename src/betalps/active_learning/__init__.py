"""From structures to better training data: grades, active sets, cutting, labelling."""

from betalps.active_learning.grading import Grades, grade
from betalps.active_learning.maxvol import MaxVol
from betalps.active_learning.selection import Selection, SelectionProgress, select

__all__ = ["Grades", "MaxVol", "Selection", "SelectionProgress", "grade", "select"]
