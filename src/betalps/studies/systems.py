"""What a study simulates: the crystal, its glass, and small cells with grain boundaries and interfaces beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from betalps.errors import StructureError
from betalps.files import write_atomic
from betalps.protocols import RunSpec
from betalps.structures import (
    Size,
    amorphous_crystal,
    beta_li3ps4,
    boundary,
    check_lps,
    glass_cell,
    parse_name,
    parse_plane,
)
from betalps.studies.config import StudyConfig
from betalps.typing import Json, PathLike

if TYPE_CHECKING:
    from ase import Atoms

CRYSTAL, GLASS = "crystal", "glass"

Kind: TypeAlias = Literal["crystal", "glass", "boundary", "interface", "melt"]

_SEPARATION = 12.0  # Å between boundaries, and the least width: more than twice a cutoff of 5 Å
_PLANE = "(001)"  # whose lateral cell a glass has that is to be part of no interface
_MELTED = 2000.0  # K; names the folder


@dataclass(frozen=True, kw_only=True)
class System:
    """One structure, at several temperatures.

    Attributes
    ----------
    name
        `CRYSTAL`, `GLASS`, the name of a boundary, or ``"amorphous/(001)"``.
    kind
        ``"melt"`` is the making of a glass, whose only run has the temperature of its melt.
    place
        Its folder within the study's; the crystal's runs are in the study's own.
    atoms
        At the start of every run.
    specs
        The run at each temperature, K.
    missing
        Why `atoms` is not yet what it says, empty where it is. A glass that is not made yet, and its interfaces, have
        as many atoms of crystal in its place.
    plane
        Of the crystal, whose lateral cell a melt, a glass and an interface have.
    """

    name: str
    kind: Kind
    place: str
    atoms: Atoms
    specs: dict[float, RunSpec]
    missing: str = ""
    plane: str = ""

    def folder(self, temperature: float) -> str:
        """Name of a run's folder within the study's."""
        kelvin = f"{temperature:g}K"
        return f"{self.place}/{kelvin}" if self.place else kelvin


def build_systems(config: StudyConfig, folder: PathLike | None = None) -> tuple[System, ...]:
    """Build everything that a study simulates: the crystal first, then boundaries, glass, interfaces.

    Parameters
    ----------
    config
        The study.
    folder
        Of the study, where the glass is taken from once it is made.

    Raises
    ------
    StructureError
        The crystal is not what it should be.
    ValueError
        A boundary or an interface that cannot be built from it.
    """
    crystal = beta_li3ps4(config.supercell, ordering=config.ordering)
    if config.ordering == "4b4":
        check_lps(crystal)
    specs = {t: config.run_spec(t) for t in config.temperatures}
    found = [System(name=CRYSTAL, kind="crystal", place="", atoms=crystal, specs=specs)]
    for name in config.boundaries:
        specs = {t: config.run_spec(t, name) for t in config.boundary_temperatures}
        atoms = build_boundary(config, name)
        found.append(System(name=name, kind="boundary", place=boundary_folder(name), atoms=atoms, specs=specs))
    return (*found, *_amorphous(config, folder))


def build_melts(config: StudyConfig) -> tuple[System, ...]:
    """What the glass of a study is made of: one melt for each plane that it is put on."""
    return tuple(
        System(
            name=melt_name(plane),
            kind="melt",
            place=_melt_folder(plane),
            atoms=_to_melt(config, plane),
            specs={_MELTED: config.melt_spec(plane)},
            plane=plane,
        )
        for plane in _planes(config)
    )


def melt_name(plane: str) -> str:
    """Of the system that the glass for a plane is made of."""
    return f"melt for {plane}"


def _amorphous(config: StudyConfig, folder: PathLike | None) -> list[System]:
    """The glass and its interfaces; of crystal, where it is not made yet."""
    found = []
    for number, plane in enumerate(_planes(config)):
        made = None if folder is None else made_glass(folder, plane)
        missing = "the glass is not made" if made is None else ""
        glass = _to_melt(config, plane) if made is None else made
        if number == 0:
            specs = {t: config.glass_spec(t) for t in config.glass_temperatures}
            found.append(
                System(name=GLASS, kind="glass", place=GLASS, atoms=glass, specs=specs, missing=missing, plane=plane)
            )
        if config.interfaces:
            both = glass.repeat((1, 1, 2))
            if made is not None:
                try:
                    both = amorphous_crystal(made, beta_li3ps4(ordering=config.ordering), plane)
                except StructureError as error:
                    missing = f"the glass cannot be put on the crystal: {error}"
            specs = {t: config.glass_spec(t, plane) for t in config.glass_temperatures}
            name, place = f"amorphous/{plane}", f"amorphous-{_indices(plane)}"
            found.append(
                System(name=name, kind="interface", place=place, atoms=both, specs=specs, missing=missing, plane=plane)
            )
    return found


def _planes(config: StudyConfig) -> tuple[str, ...]:
    """Planes that glass is melted for."""
    return (config.interfaces or (_PLANE,)) if config.glass_temperatures else ()


def _to_melt(config: StudyConfig, plane: str) -> Atoms:
    size = Size(atoms=2 * config.glass_atoms, separation=_SEPARATION, lateral=_SEPARATION)
    return glass_cell(beta_li3ps4(ordering=config.ordering), plane, size=size)


def made_glass(folder: PathLike, plane: str) -> Atoms | None:
    """The glass for a plane, if a study's folder has it."""
    from betalps.datasets import read

    path = _glass_file(folder, plane)
    return read(path)[0] if path.exists() else None


def keep_glass(folder: PathLike, plane: str, atoms: Atoms) -> None:
    """Keep a glass that was made, for the runs that begin with it; one that is there stays."""
    from betalps.datasets import format_extxyz

    path = _glass_file(folder, plane)
    if not path.exists():
        atoms = atoms.copy()
        atoms.info.clear()
        atoms.arrays.pop("momenta", None)  # the runs draw their own
        write_atomic(path, format_extxyz([atoms]).encode())


def _glass_file(folder: PathLike, plane: str) -> Path:
    return Path(folder) / _melt_folder(plane) / "glass.extxyz"


def _melt_folder(plane: str) -> str:
    return f"melt-{_indices(plane)}"


def build_boundary(config: StudyConfig, name: str) -> Atoms:
    """Build the cell of a boundary: two boundaries, periodic, of at least `boundary_atoms` atoms."""
    size = Size(atoms=config.boundary_atoms, separation=_SEPARATION, lateral=_SEPARATION)
    limits: Json = {"max_area": config.boundary_area} if parse_name(name).kind == "twist" else {}
    return boundary(name, beta_li3ps4(ordering=config.ordering), size=size, **limits)


def boundary_folder(name: str) -> str:
    """Name of a folder that any file system takes: ``Sigma5-001-2m10`` for Σ5[001]/(2-10)."""
    return _plain(str(parse_name(name)).replace("Σ", "Sigma"))


def _indices(plane: str) -> str:
    """``3m20`` for (3-20)."""
    indices = parse_plane(plane)
    return _plain(("" if max(map(abs, indices)) < 10 else " ").join(map(str, indices)))


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text.replace("-", "m")).strip("-")
