"""Chemical symbols for the integers by which a potential file names its species.

The formats know integers only. Files that betalps writes carry ``species:Li,P,S`` in their
``potential_tag``; for any other file the symbols have to be given. They are never guessed from the order of
the types.
"""

import re
from collections.abc import Sequence

from betalps.errors import SpeciesError

# not "species=": readers of MLIP files split a line at its "=" and some allow only one
_TAG = re.compile(r"(?:^|(?<=\s))species:(\S*)")


def check_species(species: Sequence[str], expected: int | None = None) -> tuple[str, ...]:
    """Return the chemical symbols as a tuple if they are that.

    Parameters
    ----------
    species
        Chemical symbols, each once.
    expected
        How many there must be; None for any number.

    Raises
    ------
    SpeciesError
        A symbol is unknown or appears twice, or there are not `expected` of them.
    """
    from ase.data import atomic_numbers

    if isinstance(species, str):
        message = f"species is the text {species!r}; expected a sequence of symbols such as ['Li', 'P', 'S']"
        raise SpeciesError(message)
    symbols = tuple(species)
    for symbol in symbols:
        if not isinstance(symbol, str) or atomic_numbers.get(symbol, 0) < 1:
            message = f"{symbol!r} is not the symbol of a chemical element; species are such as ['Li', 'P', 'S']"
            raise SpeciesError(message)
    if len(set(symbols)) != len(symbols):
        message = f"species {list(symbols)} names an element twice"
        raise SpeciesError(message)
    if expected is not None and len(symbols) != expected:
        message = f"species {list(symbols)} are {len(symbols)}, but the potential has {expected}"
        raise SpeciesError(message)
    return symbols


def species_in_tag(tag: str) -> tuple[str, ...] | None:
    """Symbols after ``species:`` in a potential_tag, or None."""
    match = _TAG.search(tag)
    return tuple(match[1].split(",")) if match else None


def tag_with_species(tag: str, species: Sequence[str]) -> str:
    """The tag with its ``species:`` word set, its other words as they were."""
    word = "species:" + ",".join(species)
    return _TAG.sub(word, tag, count=1) if _TAG.search(tag) else f"{word} {tag}".rstrip()


def settle_species(tag: str, given: Sequence[str] | None, count: int, source: str) -> tuple[str, ...] | None:
    """Symbols of a potential: those of its tag or those given, which must agree.

    Parameters
    ----------
    tag
        The file's potential_tag.
    given
        What the caller says, or None.
    count
        Number of species of the potential.
    source
        How errors name the potential.

    Returns
    -------
    tuple of str, or None
        None when neither names them.

    Raises
    ------
    SpeciesError
        Tag or caller name something else than `count` different elements, or they disagree.
    """
    tagged = species_in_tag(tag)
    if tagged is not None:
        try:
            tagged = check_species(tagged, count)
        except SpeciesError as error:
            message = f"{source}: potential_tag {tag!r}: {error}"
            raise SpeciesError(message) from error
    if given is None:
        return tagged
    symbols = check_species(given, count)
    if tagged is not None and tagged != symbols:
        message = f"{source} names its species {list(tagged)}, but species={list(symbols)} was given"
        raise SpeciesError(message)
    return symbols


def unnamed_species(source: str, types: Sequence[int]) -> SpeciesError:
    """The error for a potential whose symbols are needed but not known; says what to type."""
    integers = ", ".join(map(str, types))
    example = ", ".join(f"'<symbol of type {t}>'" for t in types)
    return SpeciesError(
        f"{source} does not say which elements its types {integers} are. Give their symbols in that order: "
        f"Potential.read(path, species=[{example}])"
    )
