"""What survives a killed fit: the states that its legs have reached, in one file that is replaced atomically."""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from betalps.errors import CheckpointError
from betalps.files import write_atomic
from betalps.training.levenberg import State
from betalps.typing import Json, PathLike

_VERSION = 1
_INTERVAL = 5.0  # seconds between two saves within a leg


@dataclass(frozen=True, kw_only=True)
class Iteration:
    """One iteration of a fit, as observers and the history see it.

    Attributes
    ----------
    leg
        What it belongs to: ``start 2``, ``all``, …
    number
        Within the leg, from 1; 0 is the state that the leg begins with.
    configurations
        That take part.
    loss
        On these, with penalty and ridge.
    damping, trials
        Of the Levenberg-Marquardt step.
    cpu_seconds
        Processor time of the fit so far, all threads, those before an interruption included.
    held_out
        Of the held-out data: ``loss``, ``energy_mae`` (eV/atom), ``force_mae`` (eV/Å), ``stress_mae`` (GPa);
        empty where they are not evaluated.
    """

    leg: str
    number: int
    configurations: int
    loss: float
    damping: float
    trials: int
    cpu_seconds: float
    held_out: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Leg:
    """How far one leg of a fit is.

    Attributes
    ----------
    state
        The last one.
    best
        The one with the lowest held-out loss; without held-out data the last.
    history
        Iterations, the beginning included.
    done
        Whether it has stopped.
    """

    state: State
    best: State
    history: tuple[Iteration, ...]
    done: bool = False


class Checkpoint:
    """The legs of a fit on disk, or only in memory.

    Parameters
    ----------
    path
        The file; None keeps nothing.
    identity
        Data, form, settings and seed. A file of another fit is refused.

    Raises
    ------
    CheckpointError
        The file is unreadable or belongs to another fit; says in what it differs.
    """

    def __init__(self, path: PathLike | None, identity: Json) -> None:
        self._path = None if path is None else Path(path)
        self._identity = identity
        self.legs: dict[str, Leg] = {}
        self._saved = time.monotonic()
        self._before = 0.0
        self._started = time.process_time()
        if self._path is not None and self._path.exists():
            self._read(self._path)
        elif self._path is not None:
            self._write()  # finds now, not after an hour, that the path cannot be written

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the fit, earlier processes included."""
        return self._before + time.process_time() - self._started

    def store(self, name: str, leg: Leg) -> None:
        """Keep a leg; written when it is done, or every five seconds."""
        self.legs[name] = leg
        if self._path is not None and (leg.done or time.monotonic() - self._saved > _INTERVAL):
            self._write()

    def _write(self) -> None:
        assert self._path is not None
        arrays, entries = {}, {}
        for name, leg in self.legs.items():
            for which in ("state", "best"):
                state = getattr(leg, which)
                for part in ("radial", "linear", "ridge"):
                    arrays[f"{name}/{which}/{part}"] = getattr(state, part)
            scalars = {w: _scalars(getattr(leg, w)) for w in ("state", "best")}
            entries[name] = {**scalars, "history": [asdict(i) for i in leg.history], "done": leg.done}
        head = {"version": _VERSION, "identity": self._identity, "cpu_seconds": self.cpu_seconds, "legs": entries}
        file = io.BytesIO()
        np.savez(file, head=np.array(json.dumps(head)), **arrays)
        write_atomic(self._path, file.getvalue())
        self._saved = time.monotonic()

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                head = json.loads(str(archive["head"]))
                if head["version"] != _VERSION:
                    raise CheckpointError(f"{path}: version {head['version']!r}, expected {_VERSION}")
                _require_same(path, head["identity"], json.loads(json.dumps(self._identity)))
                self.legs = {name: _leg(name, entry, archive) for name, entry in head["legs"].items()}
                self._before = float(head["cpu_seconds"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{path} is not a readable checkpoint of a fit: {error}") from error


def _scalars(state: State) -> Json:
    return {name: getattr(state, name) for name in ("loss", "damping", "growth")}


def _leg(name: str, entry: Json, archive: np.lib.npyio.NpzFile) -> Leg:
    states = {}
    for which in ("state", "best"):
        radial, linear, ridge = (archive[f"{name}/{which}/{part}"] for part in ("radial", "linear", "ridge"))
        states[which] = State(radial=radial, linear=linear, ridge=ridge, **entry[which])
    history = tuple(Iteration(**iteration) for iteration in entry["history"])
    return Leg(state=states["state"], best=states["best"], history=history, done=entry["done"])


def _require_same(path: Path, found: Json, expected: Json) -> None:
    names = [name for name in sorted(found.keys() | expected.keys()) if found.get(name) != expected.get(name)]
    if names:
        said = "; ".join(f"{n} (there {found.get(n)!r}, asked for {expected.get(n)!r})" for n in names)
        raise CheckpointError(f"{path} belongs to another fit; it differs in {said}. Remove it, or use another file")


def finished(leg: Leg) -> Leg:
    """The leg, marked as done."""
    return replace(leg, done=True)
