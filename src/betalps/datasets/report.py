"""What reading found: every label counted, and what is named like one but was not taken."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from betalps.datasets.labels import LABELS, is_unconverged, stored_labels

_WORDS = ("energy", "force", "stress", "virial")


@dataclass(frozen=True, kw_only=True)
class LabelCount:
    """How many configurations carry a label.

    Attributes
    ----------
    present, missing
        Configurations with it and without.
    not_finite
        Of those that are present, how many hold a number that is NaN or infinite.
    """

    present: int
    missing: int
    not_finite: int


@dataclass(frozen=True, kw_only=True)
class ReadReport:
    """What was found in the files.

    Attributes
    ----------
    files
        Frames per file.
    frames, atoms
        Configurations, and atoms in all of them.
    labels
        By name: energy, forces, stress.
    ignored
        Entries of the files that are named like a label but were not taken as one, with the number of frames
        that have them. Give `keys` to :func:`read` if they are the labels.
    unconverged
        Frames whose electronic structure did not converge, as far as the files tell.
    """

    files: Mapping[str, int]
    frames: int
    atoms: int
    labels: Mapping[str, LabelCount]
    ignored: Mapping[str, int]
    unconverged: int

    @property
    def complete(self) -> bool:
        """Whether every frame has every label, and all numbers are finite."""
        return not any(count.missing or count.not_finite for count in self.labels.values())

    def __str__(self) -> str:
        lines = [f"{self.frames} configurations, {self.atoms} atoms, from {len(self.files)} files"]
        for name, count in self.labels.items():
            line = f"{name}: {count.present} present, {count.missing} missing"
            lines.append(line + (f", {count.not_finite} not finite" if count.not_finite else ""))
        if self.unconverged:
            lines.append(f"unconverged: {self.unconverged}")
        lines += [
            f"{name}: in {count} configurations, not taken as a label (keys= names those that are)"
            for name, count in self.ignored.items()
        ]
        return "\n".join(lines)


def report_on(frames: Sequence[Atoms], files: Mapping[str, int], dropped: Iterable[str] = ()) -> ReadReport:
    """Count the labels of frames that were read.

    Parameters
    ----------
    frames
        All of them, with their labels in calculators.
    files
        Frames per file.
    dropped
        Names of labels that a frame had and that were not taken, once for every frame.
    """
    present = dict.fromkeys(LABELS, 0)
    broken = dict.fromkeys(LABELS, 0)
    ignored: dict[str, int] = {}
    for atoms in frames:
        for name, value in stored_labels(atoms).items():
            present[name] += 1
            broken[name] += not np.all(np.isfinite(value))
        for key in _ignored(atoms):
            ignored[key] = ignored.get(key, 0) + 1
    for key in dropped:
        ignored[key] = ignored.get(key, 0) + 1
    counts = {
        name: LabelCount(present=present[name], missing=len(frames) - present[name], not_finite=broken[name])
        for name in LABELS
    }
    return ReadReport(
        files=files,
        frames=len(frames),
        atoms=sum(map(len, frames)),
        labels=counts,
        ignored=ignored,
        unconverged=sum(is_unconverged(atoms.info) for atoms in frames),
    )


def _ignored(atoms: Atoms) -> list[str]:
    """Entries that look like labels and are not."""
    keys = [str(key) for key in [*atoms.info, *atoms.arrays]]
    found = [key for key in keys if any(word in key.lower() for word in _WORDS)]
    results = {} if atoms.calc is None else atoms.calc.results
    if "free_energy" in results and "energy" not in results:
        found.append("free_energy")
    return found
