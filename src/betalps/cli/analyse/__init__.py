"""``betalps analyse``: numbers, files and figures of every analysis, from trajectories in any format."""

from betalps.cli.analyse.verb import add_arguments, run

__all__ = ["add_arguments", "run"]
