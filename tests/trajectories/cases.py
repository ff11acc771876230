"""Trajectories whose path is known."""

import numpy as np

from betalps.trajectories import Trajectory

CELL = np.array([[12.0, 0.0, 0.0], [3.0, 10.0, 0.0], [-2.0, 1.5, 9.0]])
SYMBOLS = np.array(["Li", "P", "S", "S", "Li"])
MASSES = np.array([6.94, 30.973761998, 32.06, 32.06, 6.94])


def wandering(
    seed: int,
    frames: int = 12,
    *,
    images: bool = True,
    momenta: bool = False,
    scalars: tuple[str, ...] = (),
    pbc: tuple[bool, bool, bool] = (True, True, True),
    cell: np.ndarray = CELL,
) -> Trajectory:
    """Atoms that walk through a breathing, tilting cell; wrapped along periodic directions."""
    rng = np.random.default_rng(seed)
    shape = (frames, len(SYMBOLS), 3)
    path = rng.uniform(-1.0, 2.0, shape[1:]) + np.cumsum(rng.uniform(-0.3, 0.3, shape), axis=0)
    whole = np.floor(path) * pbc
    return Trajectory(
        symbols=SYMBOLS,
        fractional=path - whole,
        images=whole.astype(int) if images else None,
        momenta=rng.normal(size=shape) if momenta else None,
        cells=cell * (1.0 + 0.01 * rng.normal(size=(frames, 3, 3))),
        times=np.cumsum(rng.uniform(0.05, 0.2, frames)),
        pbc=np.array(pbc),
        scalars={name: rng.normal(size=frames) for name in scalars},
    )


def path_of(trajectory: Trajectory) -> np.ndarray:
    """(frames, atoms, 3): unwrapped fractional coordinates where the images are known."""
    path = np.asarray(trajectory.fractional, dtype=float)
    return path if trajectory.images is None else path + np.asarray(trajectory.images)


def assert_same(found: Trajectory, expected: Trajectory, tolerance: float) -> None:
    """Equal paths where images are known, else equal up to whole cells; everything else equal."""
    assert found.symbols.tolist() == expected.symbols.tolist()
    assert found.pbc.tolist() == expected.pbc.tolist()
    np.testing.assert_allclose(found.cells, expected.cells, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.times, expected.times, rtol=0, atol=1e-12)
    assert (found.images is None) == (expected.images is None)
    off = path_of(found) - path_of(expected)
    if expected.images is None:
        off -= np.rint(off) * expected.pbc
    assert np.abs(off).max() < tolerance
    assert (found.momenta is None) == (expected.momenta is None)
    if expected.momenta is not None:
        np.testing.assert_allclose(np.asarray(found.momenta), np.asarray(expected.momenta), atol=max(tolerance, 1e-6))
    assert sorted(found.scalars) == sorted(expected.scalars)
    for name, values in expected.scalars.items():
        np.testing.assert_array_equal(found.scalars[name], values)
