"""The boundaries and interfaces of the reference study, each in one call.

The study: R. Jalem, M. Chandrappa, J. Qi, Y. Tateyama, S. P. Ong, Energy Adv. 2, 2029 (2023). Its names are kept; what
they mean for β-Li3PS4 is in the record of each structure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from betalps.structures.boundaries.bicrystals import boundary
from betalps.structures.boundaries.sizes import Size
from betalps.structures.crystals import beta_li3ps4
from betalps.structures.glasses.interfaces import amorphous_crystal, packed_interface

if TYPE_CHECKING:
    from ase import Atoms

REFERENCE_TILTS = (
    "Σ5[001]/(120)",
    "Σ5[001]/(130)",
    "Σ5[001]/(2-10)",
    "Σ13[001]/(150)",
    "Σ13[001]/(3-20)",
    "Σ25[001]/(170)",
    "Σ29[001]/(-250)",
    "Σ3[1-10]/(111)",
    "Σ5[010]/(201)",
)
"""The symmetric tilts. The study calls the last but one Σ3[110]/(111), but (111) does not contain [110]; and the last
one a twist, but [010] lies in (201)."""

REFERENCE_TWISTS = {"Σ5[001]/(001)": 36.87, "Σ5[100]/(100)": 36.87, "Σ5[010]/(010)": 53.13}
"""The twists and the nominal angle in degrees that each is built near. The cell of β-Li3PS4 is far from square: of the
candidates within 3° the least strained is taken: 35.10° at 1.1 %, 36.25° at 0.6 % and 51.32° at 0.2 %. There is none
near 53.13° on (001) up to 5 % and 1600 Å²."""

REFERENCE_INTERFACES = ("(120)", "(001)", "(100)")
"""The planes of the amorphous/crystal interfaces."""

REFERENCE_SIZE = Size(atoms=10_000, separation=30.0, lateral=25.0)
"""At least the study's 10,000 atoms, 30 Å between boundaries, 25 Å wide."""


def reference_study(
    crystal: Atoms | None = None,
    *,
    size: Size = REFERENCE_SIZE,
    glasses: Mapping[str, Atoms] | None = None,
    rng: int = 0,
) -> dict[str, Callable[[], Atoms]]:
    """The grain boundaries and interfaces of the reference study.

    Parameters
    ----------
    crystal
        A β-Li3PS4 crystal in the setting a > b > c (Pnma); the default is the relaxed cell of `beta_li3ps4`.
    size
        The least size of each.
    glasses
        The glass for the interface with each plane, such as ``{"(120)": glass}``, melted in the cell of `glass_cell`.
        Where there is none, units are packed at random (`packed_interface`): whole and without overlaps, but to be
        melted before anything is measured.
    rng
        Seed of the packing.

    Returns
    -------
    dict
        From name to a function without arguments that builds the structure: nine tilts, three twists, three
        amorphous/crystal interfaces.

    Examples
    --------
    >>> atoms = reference_study()["Σ5[001]/(120)"]()
    >>> len(atoms), atoms.info["boundary"]["strain"]
    (10240, 0.0)
    """
    beta = beta_li3ps4() if crystal is None else crystal
    study: dict[str, Callable[[], Atoms]] = {}
    for name in REFERENCE_TILTS:
        study[name] = partial(boundary, name, beta, size=size)
    for name, angle in REFERENCE_TWISTS.items():
        study[name] = partial(boundary, name, beta, angle=angle, size=size)
    for plane in REFERENCE_INTERFACES:
        glass = (glasses or {}).get(plane)
        study[f"amorphous/{plane}"] = (
            partial(packed_interface, beta, plane, rng, size=size)
            if glass is None
            else partial(amorphous_crystal, glass, beta, plane)
        )
    return study
