"""Levels of the moment basis (Gubaev et al., Comput. Mater. Sci. 156, 148 (2019), section 2.2)."""

from functools import cache

from betalps import _core

LEVELS: tuple[int, ...] = tuple(range(2, 29, 2))
"""The levels that a potential can be made of."""

_HIGHEST_MU, _HIGHEST_RANK = 5, 10


@cache
def counts(level: int) -> tuple[int, int, int]:
    """Numbers of radial functions, basic moments and scalars of a level.

    The level of a moment is lev(M_{μ,ν}) = 2 + 4μ + ν, that of a product the sum over its factors. A basic
    moment is needed when its square's partner of rank ν and μ = 0 keeps the pair within the level; a scalar
    alone (ν = 0) needs no partner.

    Parameters
    ----------
    level
        An even number from 2 to 28.

    Returns
    -------
    tuple of int
        Radial functions, basic moments (Cartesian components), scalars.
    """
    families = [
        (mu, nu)
        for mu in range(_HIGHEST_MU + 1)
        for nu in range(_HIGHEST_RANK + 1)
        if 2 + 4 * mu + nu + (2 + nu if nu else 0) <= level
    ]
    basics = sum((nu + 1) * (nu + 2) // 2 for _, nu in families)
    return 1 + max(mu for mu, _ in families), basics, _core.scalars_count(level)


def level_of(radial_count: int, basics_count: int, scalars_count: int) -> int | None:
    """Level whose counts these are.

    Parameters
    ----------
    radial_count, basics_count, scalars_count
        Numbers of radial functions, basic moments and scalars.

    Returns
    -------
    int or None
        None when no level has these counts.
    """
    found = (radial_count, basics_count, scalars_count)
    return next((level for level in LEVELS if counts(level) == found), None)
