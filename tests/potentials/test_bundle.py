"""The potentials that come with betalps."""

import pytest

from betalps.potentials import Potential, available, load, model_card


def test_each_is_fitted_names_its_species_and_has_a_card():
    assert "beta-lps-interim" in available()
    for name in available():
        potential = load(name)
        assert potential.fitted
        assert potential.species
        assert potential.name == name
        card = model_card(name)
        assert card.startswith(f"# {name}\n")
        for part in ("Training set", "Licence", "## Limits", f"level {potential.level}"):
            assert part in card
        for symbol in potential.species:
            assert symbol in card


def test_interim_is_the_fit_it_says_it_is(shared):
    original = Potential.read(shared / "data/potentials/beta-lps-interim-l14.almtp", ["Li", "P", "S"])
    assert load("beta-lps-interim") == original.replace(name="beta-lps-interim")


def test_load_takes_a_path(tmp_path):
    potential = Potential.from_level(6, ["Li"], cutoff=5.0, min_dist=1.8, rng=1)
    potential.write(tmp_path / "mine.almtp")
    assert load(tmp_path / "mine.almtp") == potential
    assert load(str(tmp_path / "mine.almtp"), ["Li"]) == potential


def test_unknown_names():
    with pytest.raises(FileNotFoundError, match=r"'beta-lps' is neither a file nor a bundled potential \(.*interim"):
        load("beta-lps")
    with pytest.raises(KeyError, match="no bundled potential is called 'x'"):
        model_card("x")
