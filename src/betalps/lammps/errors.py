"""What goes wrong with LAMMPS."""

from betalps.errors import BetalpsError


class LammpsError(BetalpsError):
    """LAMMPS is missing, does not fit, or stopped: says which, and what it last said."""
