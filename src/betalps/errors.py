"""What betalps raises. Every message names what was wrong, what was expected, and where."""


class BetalpsError(Exception):
    """The base of every error that betalps defines."""


class FormatError(BetalpsError, ValueError):
    """A file that cannot be understood: names the file, the line, what was found and what was expected."""


class EmptyTrajectoryError(FormatError):
    """A trajectory that was begun and holds no frame yet."""


class SpeciesError(BetalpsError, ValueError):
    """A chemical species that a potential does not know, or a potential whose species are not named."""


class StructureError(BetalpsError, ValueError):
    """A structure that cannot be evaluated or is not what it should be (non-finite positions, bad distances)."""


class CheckpointError(BetalpsError):
    """A run directory that cannot be resumed: unreadable, or written by a different run."""
