"""Ready-made calculators to label with, as frozen dataclasses that travel to other processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from betalps.datasets import LABELS
from betalps.errors import BetalpsError
from betalps.potentials import load
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase.calculators.calculator import BaseCalculator


@dataclass(frozen=True)
class MTPFactory:
    """A moment tensor potential; see :func:`mtp`."""

    potential: str
    sha256: str
    reusable: ClassVar[bool] = True

    def __call__(self) -> BaseCalculator:
        """Make the calculator."""
        from betalps.calculators import MTP

        calculator = MTP(self.potential, threads=1)
        if calculator.potential.sha256 != self.sha256:
            raise BetalpsError(f"{self.potential} is another potential than at the start of the labelling")
        return calculator


@dataclass(frozen=True)
class SevenNetFactory:
    """A SevenNet model; see :func:`sevennet`."""

    model: str
    device: str
    reusable: ClassVar[bool] = True

    def __call__(self) -> BaseCalculator:
        """Make the calculator."""
        import warnings

        with _from_extra("sevennet"):
            from sevenn.calculator import SevenNetCalculator

        with warnings.catch_warnings():  # that there is no accelerator, and of its dependencies' futures
            warnings.simplefilter("ignore")
            calculator: BaseCalculator = SevenNetCalculator(self.model, device=self.device)
        return calculator


@dataclass(frozen=True)
class GPAWFactory:
    """GPAW in a plane-wave basis; see :func:`gpaw`."""

    settings: Mapping[str, Any] = field(hash=False)

    @property
    def properties(self) -> tuple[str, ...]:
        """What it labels: no stress where the functional's non-local part is GPAW's own, which leaves its share out."""
        xc = self.settings["xc"]
        name, backend = (xc.get("name", ""), xc.get("backend")) if isinstance(xc, Mapping) else (str(xc), None)
        return ("energy", "forces") if "vdw" in name.lower() and backend != "libvdwxc" else LABELS

    def __call__(self) -> BaseCalculator:
        """Make the calculator."""
        with _from_extra("gpaw"):
            from gpaw import GPAW, PW

        settings = dict(self.settings)
        calculator: BaseCalculator = GPAW(mode=PW(settings.pop("cutoff")), **settings)
        return calculator


@dataclass(frozen=True)
class VASPFactory:
    """VASP through ASE; see :func:`vasp_single_point` and :func:`vasp_pbe_aimd`."""

    settings: Mapping[str, Any] = field(hash=False)

    def __call__(self) -> BaseCalculator:
        """Make the calculator."""
        from ase.calculators.vasp import Vasp

        calculator: BaseCalculator = Vasp(**self.settings)
        return calculator


@contextmanager
def _from_extra(extra: str) -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BetalpsError(f"{error} (pip install 'betalps[{extra}]')") from error


def mtp(potential: PathLike) -> MTPFactory:
    """Label with a moment tensor potential: to try a set-up out, or to distil one potential into a smaller one.

    Parameters
    ----------
    potential
        Name of a bundled potential, or a file that names its species.
    """
    return MTPFactory(str(potential), load(potential).sha256)


def sevennet(model: str = "7net-l3i5", device: str = "cpu") -> SevenNetFactory:
    """Label with a universal potential, SevenNet: the teacher of the bundled potential.

    Parameters
    ----------
    model
        ``7net-l3i5`` (Park et al., J. Chem. Theory Comput. 20, 4857 (2024)) was trained on PBE relaxations of the
        Materials Project: its labels are PBE-like, without dispersion. The weights are in the package ``sevenn``.
    device
        ``cpu`` or ``cuda``.

    Notes
    -----
    ``pip install 'betalps[sevennet]'``. About 0.5 s on one core for 32 atoms.
    """
    return SevenNetFactory(model, device)


def gpaw(*, xc: str = "PBE", cutoff: float = 520.0, kpoint_density: float = 2.0, **settings: Any) -> GPAWFactory:
    """Label with density functional theory: GPAW, plane waves, projector augmented waves.

    Parameters
    ----------
    xc
        ``PBE``, or ``optB88-vdW`` as in the study's single points: twice as slow, and without stress, of which GPAW's
        own van der Waals functionals leave the non-local part out. ``{"name": "optB88-vdW", "backend": "libvdwxc"}``
        has it, where GPAW was built with libvdwxc.
    cutoff
        Of the plane waves, eV.
    kpoint_density
        k-points per 1/Å along each direction, Γ included: 2.0 is 1 × 2 × 3 for the cell of β-Li3PS4 of 32 atoms. With Γ
        alone its stress is wrong by 2 GPa.
    settings
        Further arguments of ``gpaw.GPAW``, which replace those below.

    Notes
    -----
    Fermi smearing of 0.05 eV, energy converged to 1e-6 eV and density to 1e-5 per valence electron, no symmetry
    beyond time reversal, which snapshots of dynamics do not have. ``pip install 'betalps[gpaw]'`` compiles it, which
    takes a C++ compiler, libxc and BLAS with their headers (Debian: ``g++ libxc-dev libopenblas-dev``), and brings its
    atomic data (``gpaw-data``). Without MPI it runs on one core: label several structures at a time. GPAW is licensed
    under the GPL, version 3 or later: betalps calls it where you install it, and contains nothing of it.
    """
    defaults: dict[str, Any] = {
        "cutoff": cutoff,
        "xc": xc,
        "kpts": {"density": kpoint_density, "gamma": True},
        "occupations": {"name": "fermi-dirac", "width": 0.05},
        "convergence": {"energy": 1e-6, "density": 1e-5},
        "symmetry": {"point_group": False},
        "txt": None,
    }
    return GPAWFactory({**defaults, **settings})


_STUDY: dict[str, Any] = {
    "encut": 520.0,
    "ediff": 1e-5,
    "kpts": (1, 1, 1),
    "gamma": True,
    "prec": "Accurate",
    "algo": "Normal",
    "nelm": 200,
    "ismear": 0,
    "sigma": 0.05,
    "lreal": False,
    "lasph": True,
    "isym": 0,
    "lwave": False,
    "lcharg": False,
    "setups": "recommended",
}


def vasp_single_point(*, xc: str = "optB88-vdW", **settings: Any) -> VASPFactory:
    """Label with VASP as the study of grain boundaries in β-Li3PS4 does: optB88-vdW single points.

    Parameters
    ----------
    xc
        The study takes energies from optB88-vdW, and structures from PBE.
    settings
        Arguments of ``ase.calculators.vasp.Vasp``, which replace those below: ``command``; ``kspacing=0.3`` instead of
        ``kpts`` for small cells (Γ alone gives wrong stresses for 32 atoms).

    Notes
    -----
    The study's: plane waves to 520 eV, a Γ-centred 1 × 1 × 1 grid, 1e-5 eV. Ours, where it says nothing: ``PREC =
    Accurate``, Gaussian smearing of 0.05 eV, projection in reciprocal space, aspherical terms, no symmetry, up to 200
    iterations, VASP's recommended potentials. ASE finds VASP by ``VASP_PP_PATH`` and ``ASE_VASP_COMMAND``.
    """
    return VASPFactory({**_STUDY, "xc": xc, "ibrion": -1, "nsw": 0, **settings})


def vasp_pbe_aimd(
    *, temperature: float, steps: int, timestep: float = 2.0, final_temperature: float | None = None, **settings: Any
) -> VASPFactory:
    """Molecular dynamics inside VASP with PBE, as the study draws its first structures from (300 to 2000 K).

    Not for `label`, which wants one structure: run it, and `betalps.datasets.read` the OUTCAR or vasprun.xml.

    Parameters
    ----------
    temperature, final_temperature
        At the start and, for heating or cooling, at the end, K.
    steps, timestep
        Number of steps, and their length in fs.
    settings
        Arguments of ``ase.calculators.vasp.Vasp``, which replace those below.

    Notes
    -----
    As :func:`vasp_single_point` but for PBE, a Nosé-Hoover thermostat (``SMASS = 0``) at constant volume,
    ``PREC = Normal``, ``ALGO = Fast``, and projection in real space (``LREAL = Auto``).
    """
    dynamics = {
        "xc": "PBE",
        "prec": "Normal",
        "algo": "Fast",
        "lreal": "Auto",
        "ibrion": 0,
        "nsw": steps,
        "potim": timestep,
        "tebeg": temperature,
        "teend": temperature if final_temperature is None else final_temperature,
        "mdalgo": 2,
        "smass": 0.0,
        "isif": 2,
    }
    return VASPFactory({**_STUDY, **dynamics, **settings})


_READY: dict[str, Callable[..., Callable[[], Any]]] = {
    "sevennet": sevennet,
    "gpaw": gpaw,
    "vasp-single-point": vasp_single_point,
}
NAMES = (*_READY, "mtp:FILE|NAME", "MODULE:FUNCTION")
"""What `named_calculator` knows."""


def named_calculator(name: str, **settings: Any) -> Callable[[], BaseCalculator]:
    """The factory of a calculator's name, as files and the command line give it.

    Parameters
    ----------
    name
        ``sevennet``, ``gpaw``, ``vasp-single-point``; ``mtp:`` and a file or the name of a bundled potential; or
        ``MODULE:FUNCTION``, a function of your own that returns an ASE calculator, in the current folder or installed.
    settings
        Of the ready ones.

    Raises
    ------
    ValueError
        There is none of this name, or it does not know a setting.
    """
    kind, colon, rest = name.partition(":")
    try:
        if name in _READY:
            return _READY[name](**settings)
        if kind == "mtp" and rest:
            return mtp(rest, **settings)
        if colon:
            return _own(kind, rest, settings)
    except (TypeError, ImportError, AttributeError, ValueError, FileNotFoundError) as error:
        raise ValueError(f"calculator {name}: {error}") from error
    raise ValueError(f"calculator {name}: expected one of {', '.join(NAMES)}")


def _own(module: str, name: str, settings: Mapping[str, Any]) -> Callable[[], BaseCalculator]:
    if settings:
        raise ValueError("settings are for the ready calculators; write them into the function")
    here = str(Path.cwd())
    if here not in sys.path:  # of a console script; processes that label inherit it
        sys.path.append(here)
    function: Callable[[], BaseCalculator] = getattr(import_module(module), name)
    return function
