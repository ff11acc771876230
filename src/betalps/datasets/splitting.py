"""Splitting configurations into training and validation sets."""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from betalps.datasets.reading import Dataset
from betalps.typing import Seed

Key = Callable[[Atoms], Hashable]


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """A partition of configurations.

    Attributes
    ----------
    train, valid
        The configurations of each part, in their original order.
    train_indices, valid_indices
        Their numbers in what was split.
    """

    train: tuple[Atoms, ...]
    valid: tuple[Atoms, ...]
    train_indices: tuple[int, ...]
    valid_indices: tuple[int, ...]


def split(
    frames: Sequence[Atoms],
    *,
    rng: Seed,
    fraction: float = 0.1,
    by: str | Key | None = None,
    always_train: Collection[int] = (),
) -> Split:
    """Set aside a part of the configurations for validation.

    Neighbouring frames of one trajectory resemble each other: a random split then validates on what was trained on.
    With `by`, a group is never split.

    Parameters
    ----------
    frames
        The configurations.
    rng
        Seed or generator.
    fraction
        Of the frames to validate on: 0.1 is the 90:10 of the study. Rounded to the nearest number of frames; groups
        are drawn until there are at least so many.
    by
        None: every frame by itself. ``"file"``: frames of one file together (what :func:`read` returns remembers
        them). Another text: frames with the same ``info`` entry of this name. Or a function of a frame.
    always_train
        Numbers of frames that must be trained on, for instance those with environments that no other frame has
        (their groups are then trained on as a whole).

    Raises
    ------
    ValueError
        `fraction` is not between 0 and 1, a frame lacks the entry `by`, or a part would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}; expected a number between 0 and 1")
    keys = _keys(frames, by)
    wanted = max(1, min(round(fraction * len(frames)), len(frames) - 1))
    kept = {keys[k] for k in always_train}
    names = [key for key in dict.fromkeys(keys) if key not in kept]  # in order, so that a seed says it all
    sizes = dict.fromkeys(names, 0)
    for key in keys:
        if key in sizes:
            sizes[key] += 1
    chosen: set[Hashable] = set()
    count = 0
    for index in np.random.default_rng(rng).permutation(len(names)):
        if count >= wanted:
            break
        chosen.add(names[index])
        count += sizes[names[index]]
    valid = tuple(k for k, key in enumerate(keys) if key in chosen)
    train = tuple(k for k, key in enumerate(keys) if key not in chosen)
    if not train or not valid:
        raise ValueError(
            f"{len(frames)} configurations in {len(set(keys))} groups cannot be split: {len(train)} are left to "
            f"train on and {len(valid)} to validate on"
        )
    return Split(
        train=tuple(frames[k] for k in train),
        valid=tuple(frames[k] for k in valid),
        train_indices=train,
        valid_indices=valid,
    )


def _keys(frames: Sequence[Atoms], by: str | Key | None) -> list[Hashable]:
    if by is None:
        return list(range(len(frames)))
    if callable(by):
        return [by(atoms) for atoms in frames]
    if by == "file":
        if not isinstance(frames, Dataset):
            raise ValueError('by="file" needs what betalps.datasets.read returns, which remembers the files')
        return [file for file, _ in frames.origins]
    for number, atoms in enumerate(frames):
        if by not in atoms.info:
            raise ValueError(f"configuration {number} has no {by!r} in info; it has {sorted(atoms.info)}")
    return [_hashable(atoms.info[by]) for atoms in frames]


def _hashable(value: object) -> Hashable:
    return tuple(value.ravel().tolist()) if isinstance(value, np.ndarray) else value
