"""What a run broke at, to be labelled.

    python collapses.py P.almtp FOLDER/glass --output X.extxyz.xz
    python collapses.py P.almtp FOLDER/glass-300K/extrapolating.extxyz --group PS6 --output X.extxyz.xz

The first takes a glass of large.py up in a copy of its folder from its last checkpoint, which gives the same end
again; the second reads structures that some run has kept. Of structures on the way the neighbourhoods that extrapolate
most are cut out, whatever their charge, and what lies around them is relaxed by the potential.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from ase import Atoms
from large import glass

from betalps import MTP
from betalps.active_learning import Cutting, cut_extrapolative, relax_surroundings
from betalps.datasets import duplicates, read, write
from betalps.dynamics import Callback, UnstableRunError
from betalps.potentials import Potential

EVERY = 50  # steps between structures looked at
GRADE, MOST = 3.0, 6
_CUTTING = Cutting(radius=5.0, charges={}, bonds={("P", "S"): 2.6})


def main() -> None:
    """Run, cut, relax."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potential", type=Path)
    parser.add_argument("run", type=Path, help="a folder of large.py, or a file of structures")
    parser.add_argument("--group", default="collapse", help="%(default)s")
    parser.add_argument("--temperature", type=float, default=2000.0, help="K, of what is cut out (%(default)s)")
    parser.add_argument("--last", type=int, default=40, help="structures before the end to cut from (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="as the run had (%(default)s)")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    potential = Potential.read(arguments.potential)
    if arguments.run.is_dir():
        frames = _repeated(potential, arguments.run, arguments.threads)
    else:
        frames = [_plain(atoms, step=number) for number, atoms in enumerate(read(arguments.run).frames)]
    frames = frames[-arguments.last :]
    calculator, kept = MTP(potential.without_active_set(), threads=arguments.threads), []
    for piece in cut_extrapolative(
        potential, frames, threshold=GRADE, settings=_CUTTING, most=MOST, threads=arguments.threads
    ):
        frame = frames[piece.info["cut_frame"]]
        info = {"group": arguments.group, "source": f"{arguments.run.stem}-{len(frame)}", **frame.info}
        relaxed = relax_surroundings(piece, calculator, fmax=2.0, steps=60)
        kept.append(_plain(relaxed, temperature_K=arguments.temperature, **info))
    twice = {number for group in duplicates(kept) for number in sorted(group)[1:]}
    write([atoms for number, atoms in enumerate(kept) if number not in twice], arguments.output)
    print(f"{len(kept) - len(twice)} structures")


def _repeated(potential: Potential, run: Path, threads: int) -> list[Atoms]:
    """Structures between the last checkpoint of a run of the glass and its end."""
    frames: list[Atoms] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(run, Path(folder) / "run")
        watch = Callback(every=EVERY, call=lambda atoms, step: frames.append(_plain(atoms, step=step)))
        try:
            glass(potential, copy, threads, watch)
        except UnstableRunError as error:
            print(error)
    return frames


def _plain(atoms: Atoms, **info: object) -> Atoms:
    plain = Atoms(atoms.numbers, atoms.positions.round(5), cell=atoms.cell.array.round(5), pbc=True)
    plain.wrap()
    plain.info = info
    return plain


if __name__ == "__main__":
    main()
