"""``betalps potentials``: list the bundled potentials, or show a model card."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.add_argument(
        "name",
        nargs="?",
        help="a bundled potential: shows its model card, what it was fitted to, how well, and what it is "
        "not for; without a name, all are listed",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the list or the card."""
    from betalps.potentials import available, load, model_card

    if arguments.name is None:
        for name in available():
            potential = load(name)
            print(
                f"{name}: level {potential.level}, cutoff {potential.cutoff:g} Å, "
                f"{', '.join(potential.species)}, sha256 {potential.sha256[:12]}"
            )
        return 0
    if arguments.name not in available():
        raise ValueError(f"no bundled potential is called {arguments.name!r}; there are {', '.join(available())}")
    print(model_card(arguments.name).rstrip())
    return 0
