"""What a study simulates: the crystal, and small cells with grain boundaries beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betalps.protocols import RunSpec
from betalps.structures import Size, beta_li3ps4, boundary, check_lps, parse_name
from betalps.studies.config import StudyConfig
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms

CRYSTAL = "crystal"

_SEPARATION = 12.0  # Å between boundaries, and the least width: more than twice a cutoff of 5 Å


@dataclass(frozen=True, kw_only=True)
class System:
    """One structure, at several temperatures.

    Attributes
    ----------
    name
        `CRYSTAL`, or the name of a boundary.
    atoms
        At the start of every run.
    specs
        The run at each temperature, K.
    """

    name: str
    atoms: Atoms
    specs: dict[float, RunSpec]

    def folder(self, temperature: float) -> str:
        """Name of a run's folder within the study's."""
        kelvin = f"{temperature:g}K"
        return kelvin if self.name == CRYSTAL else f"{boundary_folder(self.name)}/{kelvin}"


def build_systems(config: StudyConfig) -> tuple[System, ...]:
    """Build everything that a study simulates, the crystal first.

    Raises
    ------
    StructureError
        The crystal is not what it should be.
    ValueError
        A boundary that cannot be built from it.
    """
    crystal = beta_li3ps4(config.supercell, ordering=config.ordering)
    if config.ordering == "4b4":
        check_lps(crystal)
    found = [System(name=CRYSTAL, atoms=crystal, specs={t: config.run_spec(t) for t in config.temperatures})]
    for name in config.boundaries:
        specs = {t: config.run_spec(t, name) for t in config.boundary_temperatures}
        found.append(System(name=name, atoms=build_boundary(config, name), specs=specs))
    return tuple(found)


def build_boundary(config: StudyConfig, name: str) -> Atoms:
    """Build the cell of a boundary: two boundaries, periodic, of at least `boundary_atoms` atoms."""
    size = Size(atoms=config.boundary_atoms, separation=_SEPARATION, lateral=_SEPARATION)
    limits: Json = {"max_area": config.boundary_area} if parse_name(name).kind == "twist" else {}
    return boundary(name, beta_li3ps4(ordering=config.ordering), size=size, **limits)


def boundary_folder(name: str) -> str:
    """Name of a folder that any file system takes: ``Sigma5-001-2m10`` for Σ5[001]/(2-10)."""
    text = str(parse_name(name)).replace("Σ", "Sigma").replace("-", "m")
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
