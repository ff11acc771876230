"""The potentials that come with betalps, each beside its model card."""

import json
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from betalps.potentials.potential import Potential
from betalps.typing import Json, PathLike

_SUFFIX = ".almtp"


def _folder() -> Traversable:
    return files("betalps.potentials") / "bundled"


def available() -> tuple[str, ...]:
    """Names of the bundled potentials, sorted."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def load(name_or_path: PathLike, species: Sequence[str] | None = None) -> Potential:
    """Bundled potential of this name, or else the one in this file.

    Parameters
    ----------
    name_or_path
        One of :func:`available`, or the path of an ``.almtp`` or ``.mtp`` file.
    species
        Chemical symbols in the order of the file's types, for a file that does not name them.

    Raises
    ------
    FileNotFoundError
        Neither a bundled potential nor a file; says which potentials there are.
    FormatError, SpeciesError
        As in :meth:`Potential.read`.
    """
    if name_or_path in available():
        data = (_folder() / f"{name_or_path}{_SUFFIX}").read_bytes()
        return Potential.from_bytes(data, species, source=str(name_or_path))
    if not Path(name_or_path).is_file():
        message = f"{str(name_or_path)!r} is neither a file nor a bundled potential ({', '.join(available())})"
        raise FileNotFoundError(message)
    return Potential.read(name_or_path, species)


def model_card(name: str) -> str:
    """What is known about a bundled potential: training data, errors, limits, licence (Markdown).

    Parameters
    ----------
    name
        One of :func:`available`.

    Raises
    ------
    KeyError
        No bundled potential has this name; says which there are.
    """
    return _beside(name, ".md").read_text(encoding="utf-8")


def model_card_data(name: str) -> Json:
    """The numbers of a model card, for programs: data and their hashes, fit, held-out errors, properties, long runs.

    Parameters
    ----------
    name
        One of :func:`available`.

    Raises
    ------
    KeyError
        No bundled potential has this name; says which there are.
    """
    found: Json = json.loads(_beside(name, ".json").read_text(encoding="utf-8"))
    return found


def _beside(name: str, suffix: str) -> Traversable:
    if name not in available():
        message = f"no bundled potential is called {name!r}; there are: {', '.join(available())}"
        raise KeyError(message)
    return _folder() / f"{name}{suffix}"
