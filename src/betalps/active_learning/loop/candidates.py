"""Which of the structures that extrapolated are worth a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.cutting import Cutting, cut_extrapolative, relax_surroundings
from betalps.active_learning.grading import grade
from betalps.active_learning.loop.exploration import RunOutcome
from betalps.active_learning.loop.settings import Choosing
from betalps.active_learning.selection import select
from betalps.errors import BetalpsError
from betalps.neighbors import neighbor_list
from betalps.typing import Bools, Floats, Json

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.potentials import Potential

DRAWN = "drawn"
"""In ``info`` of a structure that was drawn at random."""

_DIGITS = 5  # of positions and cells, Å: files then give back what was labelled


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """What was chosen of the candidates.

    Attributes
    ----------
    frames
        To label; ``info["grade"]`` is the largest grade.
    candidates
        How many there were.
    rejected
        How many were left out, by reason: ``"known"``, ``"contact"``, ``"grade"``, ``"size"``.
    wanted
        How many MaxVol chose, before the limits.
    cut
        How many of `frames` are neighbourhoods cut out of larger structures.
    drawn
        To label besides: drawn at random, whatever their grades.
    """

    frames: tuple[Atoms, ...]
    candidates: int
    rejected: dict[str, int]
    wanted: int
    cut: int
    drawn: tuple[Atoms, ...] = ()

    def to_dict(self) -> Json:
        """For JSON: every chosen structure with where it comes from."""
        return {
            "candidates": self.candidates,
            "rejected": self.rejected,
            "wanted": self.wanted,
            "drawn": len(self.drawn),
            "selected": [
                {
                    "source": str(atoms.info.get("source", "")).rpartition("/")[2],
                    "group": str(atoms.info.get("group", "")),
                    "temperature_K": float(atoms.info.get("temperature_K", 0.0)),
                    "time_ps": float(atoms.info.get("time_ps", 0.0)),
                    "grade": float(atoms.info["grade"]),
                    "atoms": len(atoms),
                    "cut": "cut_grade" in atoms.info,
                    "drawn": bool(atoms.info.get(DRAWN, False)),
                }
                for atoms in (*self.frames, *self.drawn)
            ],
        }


def choose(
    potential: Potential,
    candidates: Sequence[Atoms],
    settings: Choosing,
    *,
    gamma_select: float,
    room: int,
    known: Callable[[Sequence[Atoms]], Sequence[bool]],
    threads: int,
) -> Choice:
    """Leave out what is not sound, let MaxVol choose, and cut what is too large to be labelled.

    Parameters
    ----------
    potential
        With an active set of neighbourhoods.
    candidates
        In order of their runs; ``info`` has ``step`` and goes on to the chosen ones.
    settings
        Limits.
    gamma_select
        Neighbourhoods with a grade above are cut out of large structures.
    room
        Most structures that may still be labelled; `Choosing.most` holds too.
    known
        Which structures have been tried before: another label would tell nothing new.
    threads
        Of the derivatives.

    Returns
    -------
    Choice
        In the order of the candidates.
    """
    rejected: Counter[str] = Counter()
    frames = _not_known([_rounded(atoms) for atoms in candidates], known, rejected)
    sound = _sound(potential, frames, settings, rejected, threads)
    chosen = _by_rows(potential, sound, threads)
    if any(len(sound[k]) > settings.largest for k in chosen):
        pieces: list[Atoms] = []
        for k in sorted(chosen):
            large = len(sound[k]) > settings.largest
            pieces += _cut(potential, sound[k], settings, gamma_select, rejected, threads) if large else [sound[k]]
        sound = _not_known(pieces, known, rejected)
        chosen = _by_rows(potential, sound, threads)
    kept = [sound[k] for k in sorted(chosen[: min(settings.most, room)])]
    return Choice(
        frames=tuple(kept),
        candidates=len(candidates),
        rejected=dict(+rejected),
        wanted=len(chosen),
        cut=sum("cut_grade" in atoms.info for atoms in kept),
    )


def draw(
    potential: Potential,
    frames: Iterator[Atoms],
    settings: Choosing,
    *,
    beside: Sequence[Atoms],
    room: int,
    known: Callable[[Sequence[Atoms]], Sequence[bool]],
    threads: int,
) -> list[Atoms]:
    """The first `Choosing.spot_checks` of the structures that are sound, not too large to label and not known.

    Parameters
    ----------
    frames
        In random order; read as far as is needed.
    beside
        What is chosen already.
    potential, settings, room, known, threads
        As for `choose`.
    """
    found: list[Atoms] = []
    wanted, taken = min(settings.spot_checks, room), {atoms.positions.tobytes() for atoms in beside}
    while len(found) < wanted and (some := list(islice(frames, wanted - len(found)))):
        small = [_rounded(atoms) for atoms in some if len(atoms) <= settings.largest]
        new = _not_known([atoms for atoms in small if atoms.positions.tobytes() not in taken], known, Counter())
        found += _sound(potential, new, settings, Counter(), threads)
    return found


def in_random_order(times: Sequence[Floats], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Run and frame of all frames, given the times of each run's: drawn without replacement, evenly in time.

    A frame is as likely to come next as the time since the one before it is long: heating has as many frames as the
    long stage that follows, and would have half of all structures drawn.
    """
    frames = [(run, k) for run, its in enumerate(times) for k in range(len(its))]
    lengths = np.concatenate([np.diff(its, prepend=0.0) for its in times]) if frames else np.zeros(0)
    keys = rng.exponential(size=len(frames)) / np.maximum(lengths, np.finfo(float).tiny ** 0.5)
    return [frames[which] for which in np.argsort(keys)]


def _not_known(
    frames: list[Atoms], known: Callable[[Sequence[Atoms]], Sequence[bool]], rejected: Counter[str]
) -> list[Atoms]:
    old = list(known(frames)) if frames else []
    rejected["known"] += sum(old)
    return [atoms for atoms, tried in zip(frames, old, strict=True) if not tried]


def _sound(
    potential: Potential, frames: list[Atoms], settings: Choosing, rejected: Counter[str], threads: int
) -> list[Atoms]:
    """Without contacts, and not beyond what the potential can have an idea of."""
    apart = [atoms for atoms in frames if not too_close(atoms, settings.contact)]
    rejected["contact"] += len(frames) - len(apart)
    if not apart:
        return []
    grades = grade(potential, apart, threads=threads)
    for atoms, value in zip(apart, grades.largest.tolist(), strict=True):
        atoms.info["grade"] = value
    sound = [
        atoms
        for atoms, value in zip(apart, grades.seen.tolist(), strict=True)
        if value <= settings.gamma_max or atoms.info.get("step") == 0
    ]
    rejected["grade"] += len(apart) - len(sound)
    return sound


def too_close(atoms: Atoms, fraction: float) -> bool:
    """Whether two atoms are closer than this fraction of the sum of their covalent radii, or not finite."""
    from ase.data import covalent_radii

    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        return True
    radii = covalent_radii[atoms.numbers]
    reach = 2 * fraction * float(radii.max(initial=0.0))
    if not reach:
        return False
    pairs = neighbor_list(atoms, reach)
    near: Bools = pairs.distances < fraction * (radii[pairs.i] + radii[pairs.j])
    return bool(near.any())


def _rounded(atoms: Atoms) -> Atoms:
    """Wrapped, with as many digits as they are worth, and without labels of the potential."""
    plain: Atoms = atoms.copy()
    plain.calc = None
    plain.wrap()
    plain.positions = plain.positions.round(_DIGITS)
    plain.set_cell(plain.cell.array.round(_DIGITS))
    for name in set(plain.arrays) - {"numbers", "positions"}:
        del plain.arrays[name]
    return plain


def _by_rows(potential: Potential, frames: Sequence[Atoms], threads: int) -> list[int]:
    """Numbers of what MaxVol adds to the active set, those first that hold most rows of it."""
    if not frames:
        return []
    found = select(potential, frames, add=True, threads=threads)
    active_set = found.potential.active_set
    assert active_set is not None
    held = active_set.configuration[active_set.configuration >= 0]
    rows = np.bincount(held, minlength=len(found.chosen))  # the given ones are numbered before those of the old set
    order = sorted(range(len(found.chosen)), key=lambda k: (-int(rows[k]), k))
    return [found.chosen[k] for k in order]


def _cut(
    potential: Potential,
    atoms: Atoms,
    settings: Choosing,
    gamma_select: float,
    rejected: Counter[str],
    threads: int,
) -> list[Atoms]:
    """The extrapolating neighbourhoods of a large structure, as small cells that are sound."""
    how = Cutting(radius=potential.cutoff, kind=settings.cut)
    found = []
    for piece in cut_extrapolative(potential, [atoms], threshold=gamma_select, settings=how, threads=threads):
        value = piece.info["cut_grade"]
        kept = _rounded(_relaxed(potential, piece, threads) if settings.relax_cut else piece)
        if too_close(kept, settings.contact):  # the potential does not know what to do with the seam
            kept = _rounded(piece)
        kept.info = {**atoms.info, "cut_grade": value, "grade": value}
        if len(kept) > settings.largest:
            rejected["size"] += 1
        elif too_close(kept, settings.contact):
            rejected["contact"] += 1
        else:
            found.append(kept)
    return found


def _relaxed(potential: Potential, piece: Atoms, threads: int) -> Atoms:
    from betalps.calculators import MTP

    if piece.arrays["core"].all():
        return piece
    try:
        return relax_surroundings(piece, MTP(potential, threads=threads))
    except BetalpsError:
        return piece


def why_none(outcomes: Sequence[RunOutcome], choice: Choice) -> str:
    """Why nothing was selected: the runs went to their end, or what they left cannot be labelled."""
    broken = [outcome for outcome in outcomes if outcome.broken]
    counts = ", ".join(f"{count} for {reason}" for reason, count in choice.rejected.items()) or "there were none"
    if not broken and not choice.candidates:
        return "converged: no run broke, and nothing was selected"
    if not broken:
        return f"stalled: no run broke, but none of {choice.candidates} candidates can be labelled (left out: {counts})"
    return (
        f"stalled: {len(broken)} runs broke ({', '.join(outcome.name for outcome in broken[:5])}), but no candidate "
        f"can be labelled (left out: {counts}). The first: {broken[0].message}"
    )
