"""The moment tensor potential as an immutable Python object."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from betalps import _core
from betalps.files import write_atomic
from betalps.potentials import active_set as active_sets
from betalps.potentials.levels import level_of
from betalps.potentials.species import check_species, settle_species, tag_with_species, unnamed_species
from betalps.typing import Floats, PathLike, Seed

Format = Literal["almtp", "mtp"]


class Potential:
    """A moment tensor potential: its parameters, and nothing about how it is evaluated.

    Immutable; equal when all parameters are equal. Made by :meth:`read`, :meth:`from_bytes`,
    :meth:`from_level` or :meth:`replace`. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); Gubaev et al.,
    Comput. Mater. Sci. 156, 148 (2019); Podryabinkin et al., J. Chem. Phys. 159, 084112 (2023).

    Parameters
    ----------
    core
        The potential in the compiled core.
    species
        Chemical symbols in the order of its types. None takes them from the file's tag.
    source
        How errors name it.

    Raises
    ------
    SpeciesError
        `species` are not as many different elements as the potential has species, or not those of its tag.
    """

    __slots__ = ("_active_set", "_core", "_sha256", "_source", "_species")

    def __init__(
        self, core: _core.Potential, species: Sequence[str] | None = None, source: str = "this potential"
    ) -> None:
        self._source = source
        self._species = settle_species(core.tag, species, core.species_count, source)
        tag = core.tag if self._species is None else tag_with_species(core.tag, self._species)
        self._core = core if tag == core.tag else core.replaced(tag=tag)
        self._sha256: str | None = None
        self._active_set: active_sets.ActiveSet | None = None

    # -- making one

    @classmethod
    def read(cls, path: PathLike, species: Sequence[str] | None = None) -> Self:
        """Read an MLIP-3 ``.almtp`` (with its active set) or an MLIP-2 ``.mtp`` file.

        Parameters
        ----------
        path
            The file.
        species
            Chemical symbols in the order of the file's types; needed unless the file names them in its tag.

        Raises
        ------
        FormatError
            The file cannot be understood; says the line, what was found and what was expected.
        SpeciesError
            `species` do not fit the file.
        """
        return cls.from_bytes(Path(path).read_bytes(), species, source=str(path))

    @classmethod
    def from_bytes(cls, data: bytes, species: Sequence[str] | None = None, *, source: str = "<bytes>") -> Self:
        """Like :meth:`read`, from the content of a file; `source` names it in errors."""
        return cls(_core.Potential.from_bytes(data, source), species, source)

    @classmethod
    def from_level(
        cls,
        level: int,
        species: Sequence[str],
        *,
        cutoff: float,
        min_dist: float,
        radial_size: int = 8,
        radial_basis: Literal["RBChebyshev", "RBChebyshev_repuls"] = "RBChebyshev",
        scaling: float | None = None,
        rng: Seed | None = None,
    ) -> Self:
        """A new potential of a level, to be trained.

        Parameters
        ----------
        level
            An even number from 2 to 28; accuracy and cost grow with it.
        species
            Chemical symbols.
        cutoff, min_dist
            Ends of the interval of the radial basis, Å.
        radial_size
            Number of radial basis functions.
        radial_basis
            Chebyshev polynomials, or these with a fixed repulsion below `min_dist`.
        scaling
            Factor of every radial basis function, 1/Å²; by default 1/(cutoff - min_dist)², which makes the
            first one equal to 1 at `min_dist`.
        rng
            Generator or seed of random start coefficients; None leaves the potential without coefficients.
            Every radial function then has a coefficient vector of length 1, normally distributed with a
            standard deviation that falls as 1/(1 + n); moment coefficients are normal with 1e-2 eV; species
            coefficients are 0.

        Raises
        ------
        ValueError
            A number is out of range; names it.
        SpeciesError
            `species` are not chemical symbols, each once.
        """
        symbols = check_species(species)
        if scaling is None:
            scaling = 1.0 / (cutoff - min_dist) ** 2 if cutoff > min_dist else 1.0  # the core refuses the latter
        core = _core.Potential.from_level(
            level,
            species_count=len(symbols),
            min_dist=min_dist,
            max_dist=cutoff,
            radial_size=radial_size,
            radial_basis=radial_basis,
            scaling=scaling,
        )
        if rng is not None:
            core = _with_random_coeffs(core, np.random.default_rng(rng))
        return cls(core, symbols)

    def replace(
        self,
        *,
        radial_coeffs: ArrayLike | None = None,
        species_coeffs: ArrayLike | None = None,
        moment_coeffs: ArrayLike | None = None,
        min_dist: float | None = None,
        name: str | None = None,
        species: Sequence[str] | None = None,
        active_set: active_sets.ActiveSet | None = None,
    ) -> Self:
        """The same potential with other values; what is not given stays.

        Parameters
        ----------
        radial_coeffs, species_coeffs, moment_coeffs
            Arrays of the shapes of the properties of these names.
        min_dist
            Å. The radial basis lives on [min_dist, cutoff], so the coefficients change their meaning with it.
        name
            The file's ``potential_name``.
        species
            Chemical symbols for a potential whose file does not name them.
        active_set
            An active set for these coefficients. The old one is dropped when coefficients or `min_dist`
            change, because its rows are derivatives at the old values.

        Raises
        ------
        ValueError
            An array has the wrong shape or holds a number that is not finite.
        """
        old = self._core
        core = old.replaced(
            radial_coeffs=_shaped("radial_coeffs", radial_coeffs, _radial_shape(old)),
            species_coeffs=_shaped("species_coeffs", species_coeffs, (old.species_count,)),
            moment_coeffs=_shaped("moment_coeffs", moment_coeffs, (len(old.scalars),)),
            min_dist=min_dist,
            name=name,
            active_set=None if active_set is None else active_sets.to_core(active_set),
        )
        return type(self)(core, self._species if species is None else species, self._source)

    def without_active_set(self) -> Self:
        """The same potential without its active set: a smaller file, and no grades."""
        return self.replace(min_dist=self.min_dist)

    # -- writing

    def to_bytes(self, format: Format = "almtp") -> bytes:  # noqa: A002
        """The content of a potential file; numbers carry 17 significant digits.

        Parameters
        ----------
        format
            ``"almtp"``: MLIP-3, with the active set, which is written as it was read, byte for byte.
            ``"mtp"``: MLIP-2, without it.
        """
        return self._core.to_bytes(format)

    def write(self, path: PathLike, format: Format | None = None) -> None:  # noqa: A002
        """Write a potential file.

        Parameters
        ----------
        path
            Written under a temporary name, then renamed.
        format
            As in :meth:`to_bytes`; by default ``"mtp"`` when `path` ends so, else ``"almtp"``.
        """
        guessed: Format = "mtp" if Path(path).suffix == ".mtp" else "almtp"
        write_atomic(path, self.to_bytes(format or guessed))

    # -- what it is

    @property
    def core(self) -> _core.Potential:
        """The potential in the compiled core."""
        return self._core

    @property
    def species(self) -> tuple[str, ...]:
        """Chemical symbols in the order of the coefficients.

        Raises
        ------
        SpeciesError
            The file did not name them and they were not given; says what to type.
        """
        if self._species is None:
            raise unnamed_species(self._source, self._core.types)
        return self._species

    @property
    def has_species(self) -> bool:
        """Whether the chemical symbols are known."""
        return self._species is not None

    @property
    def types(self) -> tuple[int, ...]:
        """Integers that stand for the species in ``.cfg`` files, in the order of `species`."""
        return self._core.types

    @property
    def name(self) -> str:
        """The file's ``potential_name``."""
        return self._core.name

    @property
    def level(self) -> int | None:
        """Level of the moment basis; None for a basis with counts that no level has."""
        return level_of(self._core.radial_count, len(self._core.basics), len(self._core.scalars))

    @property
    def cutoff(self) -> float:
        """Cutoff radius, Å."""
        return self._core.max_dist

    @property
    def min_dist(self) -> float:
        """Lower end of the radial basis, Å; the potential was not trained on shorter distances."""
        return self._core.min_dist

    @property
    def radial_basis(self) -> str:
        """``RBChebyshev`` or ``RBChebyshev_repuls``."""
        return self._core.radial_basis

    @property
    def scaling(self) -> float:
        """Factor of every radial basis function, 1/Å²."""
        return self._core.scaling

    @property
    def fitted(self) -> bool:
        """Whether all coefficients are there."""
        return self._core.fitted

    @property
    def radial_coeffs(self) -> Floats | None:
        """Shape (species, species, μ, n): centre, neighbour, radial function, basis function; read-only.

        None without coefficients.
        """
        return self._core.radial_coeffs

    @property
    def species_coeffs(self) -> Floats | None:
        """Energy of an atom without neighbours, eV, shape (species,); read-only.

        None without coefficients.
        """
        return self._core.species_coeffs

    @property
    def moment_coeffs(self) -> Floats | None:
        """Coefficient of every scalar of the basis, eV, shape (scalars,); read-only.

        None without coefficients.
        """
        return self._core.moment_coeffs

    @property
    def coeffs_count(self) -> int:
        """Number of all coefficients: radial, species, moments, which is also their order."""
        return self._core.coeffs_count

    @property
    def has_active_set(self) -> bool:
        """Whether extrapolation grades can be computed."""
        return self._core.has_active_set

    @property
    def active_set(self) -> active_sets.ActiveSet | None:
        """The active set of D-optimality, or None; its arrays cannot be written to."""
        if self._active_set is None:
            core = self._core.active_set if self._core.has_active_set else None
            self._active_set = None if core is None else active_sets.view(core)
        return self._active_set

    @property
    def sha256(self) -> str:
        """Digest of :meth:`to_bytes`, to name exactly this potential in a record."""
        if self._sha256 is None:
            self._sha256 = hashlib.sha256(self.to_bytes()).hexdigest()
        return self._sha256

    # -- manners of an immutable value

    def __repr__(self) -> str:
        species = list(self._species) if self._species else f"types {list(self.types)}"
        state = "" if self.fitted else ", not fitted"
        grades = ", active set" if self.has_active_set else ""
        return f"<Potential {species}: level {self.level}, cutoff {self.cutoff:g} Å{grades}{state}>"

    def __eq__(self, other: object) -> bool:
        return self.sha256 == other.sha256 if isinstance(other, Potential) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._core, self._species, self._source)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # nothing in it can change


def _shaped(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> Floats | None:
    if value is None:
        return None
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        message = f"{name} has shape {array.shape}, expected {shape}"
        raise ValueError(message)
    return array


def _radial_shape(core: _core.Potential) -> tuple[int, ...]:
    return core.species_count, core.species_count, core.radial_count, core.radial_size


def _with_random_coeffs(core: _core.Potential, rng: np.random.Generator) -> _core.Potential:
    radial = rng.normal(size=_radial_shape(core)) / (1.0 + np.arange(core.radial_size))
    radial /= np.linalg.norm(radial, axis=-1, keepdims=True)
    return core.replaced(
        radial_coeffs=radial,
        species_coeffs=np.zeros(core.species_count),
        moment_coeffs=1e-2 * rng.normal(size=len(core.scalars)),
    )
