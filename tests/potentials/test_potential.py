"""The potential as an immutable Python object."""

import copy
import os
import pickle
import threading
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from betalps.errors import FormatError, SpeciesError
from betalps.potentials import ActiveSet, Potential


@pytest.fixture
def potential():
    return Potential.from_level(8, ["Li", "P", "S"], cutoff=5.0, min_dist=1.8, rng=1)


@pytest.fixture
def unnamed(potential):
    """The bytes of the same potential as MLIP writes it: without the names of its species."""
    return potential.to_bytes().replace(b"species:Li,P,S", b"")


def active_set(potential, unfilled=0):
    n = potential.coeffs_count
    rows = np.arange(n, dtype=np.int32)
    rows[:unfilled] = -1
    matrix = np.random.default_rng(0).normal(size=(n, n))
    return ActiveSet(
        mode="neighbourhood",
        matrix=matrix,
        inverse_transpose=np.linalg.inv(matrix).T,
        configuration=rows,
        equation=rows,
        unfilled=unfilled,
        energy_weight=0.0,
        force_weight=0.0,
        stress_weight=0.0,
        site_energy_weight=1.0,
        weight_scaling=2,
        configurations="BEGIN_CFG\nEND_CFG\n",
    )


class TestFromLevel:
    def test_shapes(self, potential):
        assert potential.level == 8
        assert potential.species == ("Li", "P", "S")
        assert potential.radial_coeffs.shape == (3, 3, 2, 8)
        assert potential.species_coeffs.shape == (3,)
        assert potential.moment_coeffs.shape == (9,)
        assert potential.coeffs_count == 9 * 16 + 3 + 9
        assert (potential.cutoff, potential.min_dist) == (5.0, 1.8)
        assert potential.scaling == 1 / (5.0 - 1.8) ** 2

    def test_randomness_is_the_rng_given(self, potential):
        again = Potential.from_level(8, ["Li", "P", "S"], cutoff=5.0, min_dist=1.8, rng=np.random.default_rng(1))
        other = Potential.from_level(8, ["Li", "P", "S"], cutoff=5.0, min_dist=1.8, rng=2)
        assert potential == again
        assert potential != other
        np.testing.assert_allclose(np.linalg.norm(potential.radial_coeffs, axis=-1), 1.0)

    def test_without_rng_there_are_no_coefficients(self):
        template = Potential.from_level(6, ["Si"], cutoff=6.0, min_dist=2.0)
        assert not template.fitted
        assert template.radial_coeffs is None
        assert template.moment_coeffs is None
        assert "not fitted" in repr(template)
        assert Potential.from_bytes(template.to_bytes()) == template

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"cutoff": 1.0}, "max_dist is 1 A, expected more than min_dist"),
            ({"cutoff": float("nan")}, "max_dist is nan"),
            ({"min_dist": -1.0}, "min_dist is -1 A, expected 0 or more"),
            ({"radial_size": 0}, "radial_size is 0, expected 1 to 128"),
            ({"radial_basis": "RBSplines"}, "radial_basis is 'RBSplines', expected 'RBChebyshev'"),
            ({"scaling": 0.0}, "scaling is 0"),
            ({"level": 9}, "level is 9, expected an even number from 2 to 28"),
        ],
    )
    def test_bad_arguments(self, wrong, message):
        arguments = {"level": 8, "species": ["Li"], "cutoff": 5.0, "min_dist": 1.8} | wrong
        with pytest.raises(ValueError, match=message):
            Potential.from_level(**arguments)

    @pytest.mark.parametrize(
        ("species", "message"),
        [
            (["Li", "Li"], "names an element twice"),
            (["Li", "Xx"], "'Xx' is not the symbol"),
            (["X"], "'X' is not the symbol"),
            ([3, 16], "3 is not the symbol"),
            ("LiPS", "expected a sequence of symbols"),
            ([], "species_count is 0"),
        ],
    )
    def test_bad_species(self, species, message):
        with pytest.raises(ValueError, match=message):
            Potential.from_level(8, species, cutoff=5.0, min_dist=1.8)


class TestSpecies:
    def test_are_carried_by_our_files(self, potential, tmp_path):
        potential.write(tmp_path / "p.almtp")
        assert Potential.read(tmp_path / "p.almtp").species == ("Li", "P", "S")

    def test_are_never_guessed(self, unnamed, tmp_path):
        path = tmp_path / "mlip.almtp"
        path.write_bytes(unnamed)
        potential = Potential.read(path)
        assert not potential.has_species
        with pytest.raises(SpeciesError) as error:
            _ = potential.species
        assert str(path) in str(error.value)
        assert (
            "Potential.read(path, species=['<symbol of type 0>', '<symbol of type 1>', '<symbol of type 2>'])"
            in str(error.value)
        )

    def test_can_be_given(self, potential, unnamed):
        named = Potential.from_bytes(unnamed, ["Li", "P", "S"])
        assert named == potential
        assert Potential.from_bytes(unnamed).replace(species=["Li", "P", "S"]) == potential
        assert Potential.from_bytes(unnamed, ["S", "P", "Li"]) != potential

    def test_must_agree_with_the_file(self, potential):
        with pytest.raises(SpeciesError, match=r"names its species \['Li', 'P', 'S'\], but species=\['P'"):
            Potential.from_bytes(potential.to_bytes(), ["P", "Li", "S"])

    def test_must_be_as_many(self, unnamed):
        with pytest.raises(SpeciesError, match="are 2, but the potential has 3"):
            Potential.from_bytes(unnamed, ["Li", "P"])

    @pytest.mark.parametrize("tag", [b"species:Li,P", b"species:Li,P,Xx", b"species:", b"species:Li,P,P"])
    def test_a_wrong_tag_is_an_error(self, potential, tag):
        data = potential.to_bytes().replace(b"species:Li,P,S", tag)
        with pytest.raises(SpeciesError, match="potential_tag 'species:"):
            Potential.from_bytes(data)

    def test_other_words_of_the_tag_stay(self, unnamed):
        data = unnamed.replace(b"potential_tag = ", b"potential_tag = from 2024, subspecies:none")
        named = Potential.from_bytes(data, ["Li", "P", "S"])
        assert named.core.tag == "species:Li,P,S from 2024, subspecies:none"
        assert Potential.from_bytes(named.to_bytes()) == named


class TestValue:
    def test_arrays_are_read_only(self, potential):
        for array in (potential.radial_coeffs, potential.species_coeffs, potential.moment_coeffs):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0

    def test_attributes_are_read_only(self, potential):
        with pytest.raises(AttributeError):
            potential.cutoff = 6.0
        with pytest.raises(AttributeError):
            potential.core.max_dist = 6.0
        with pytest.raises(AttributeError):
            potential.anything = 1

    def test_copies_and_pickles(self, potential, unnamed):
        for value in (potential, Potential.from_bytes(unnamed)):
            for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
                assert twin == value
                assert hash(twin) == hash(value)
                assert twin.has_species == value.has_species

    def test_equality(self, potential):
        assert potential != potential.replace(name="another")
        assert potential != "a string"
        assert potential == Potential.from_bytes(potential.to_bytes())
        assert len(potential.sha256) == 64

    def test_replace(self, potential):
        changed = potential.replace(moment_coeffs=2 * potential.moment_coeffs)
        np.testing.assert_array_equal(changed.moment_coeffs, 2 * potential.moment_coeffs)
        np.testing.assert_array_equal(changed.radial_coeffs, potential.radial_coeffs)
        assert changed.species == potential.species
        assert potential.replace() == potential

    @pytest.mark.parametrize("name", ["radial_coeffs", "species_coeffs", "moment_coeffs"])
    def test_replace_refuses_other_shapes_and_numbers(self, potential, name):
        values = np.array(getattr(potential, name))
        with pytest.raises(ValueError, match=rf"{name} has shape"):
            potential.replace(**{name: values[:-1]})
        values.flat[1] = np.inf
        with pytest.raises(ValueError, match=rf"{name}\[1\] is inf, expected a finite number"):
            potential.replace(**{name: values})


class TestActiveSet:
    def test_round_trip(self, potential):
        given = active_set(potential, unfilled=4)
        graded = potential.replace(active_set=given)
        found = Potential.from_bytes(graded.to_bytes()).active_set
        assert graded.has_active_set
        assert not potential.has_active_set
        assert potential.active_set is None
        np.testing.assert_array_equal(found.matrix, given.matrix)
        np.testing.assert_array_equal(found.inverse_transpose, given.inverse_transpose)
        np.testing.assert_array_equal(found.configuration, given.configuration)
        assert (found.mode, found.unfilled, found.size) == ("neighbourhood", 4, potential.coeffs_count)
        assert found.configurations == given.configurations
        assert "unfilled=4" in repr(found)
        with pytest.raises(FrozenInstanceError):
            found.mode = "configuration"

    def test_pickled_with_the_potential(self, potential):
        graded = potential.replace(active_set=active_set(potential))
        assert pickle.loads(pickle.dumps(graded)) == graded

    def test_dropped_with_the_coefficients_it_belongs_to(self, potential):
        graded = potential.replace(active_set=active_set(potential))
        assert graded.replace(name="x").has_active_set
        assert not graded.replace(moment_coeffs=graded.moment_coeffs).has_active_set
        assert not graded.replace(min_dist=1.7).has_active_set

    def test_of_another_potential(self, potential):
        other = Potential.from_level(6, ["Li"], cutoff=5.0, min_dist=1.8, rng=1)
        with pytest.raises(ValueError, match=r"active_set\.size is \d+, expected the number of coefficients, 156"):
            potential.replace(active_set=active_set(other))

    def test_mlip2_files_have_none(self, potential):
        graded = potential.replace(active_set=active_set(potential))
        assert Potential.from_bytes(graded.to_bytes("mtp")) == potential


class TestFiles:
    def test_format_follows_the_suffix(self, potential, tmp_path):
        graded = potential.replace(active_set=active_set(potential))
        graded.write(tmp_path / "p.mtp")
        graded.write(tmp_path / "p.almtp")
        assert not Potential.read(tmp_path / "p.mtp").has_active_set
        assert Potential.read(tmp_path / "p.almtp") == graded
        with pytest.raises(ValueError, match="format is 'xyz', expected 'almtp' or 'mtp'"):
            graded.to_bytes("xyz")

    def test_an_interrupted_write_leaves_the_old_file(self, potential, tmp_path, monkeypatch):
        path = tmp_path / "p.almtp"
        potential.write(path)
        before = path.read_bytes()

        def full_disk(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full_disk)
        with pytest.raises(OSError, match="No space left"):
            potential.replace(name="new").write(path)
        assert path.read_bytes() == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["p.almtp"]

    def test_the_error_names_the_file_and_the_line(self, potential, tmp_path):
        path = tmp_path / "broken.almtp"
        path.write_bytes(potential.to_bytes().replace(b"max_dist = 5", b"max_dist = five"))
        with pytest.raises(FormatError, match=r"broken\.almtp, line 9: found 'five.*', expected a finite number"):
            Potential.read(path)

    def test_mlip_lists_stand_on_one_line_each(self, potential):
        lines = potential.to_bytes().decode().splitlines()
        for key in ("alpha_index_basic", "alpha_index_times", "alpha_moment_mapping", "moment_coeffs"):
            (line,) = [line for line in lines if line.startswith(f"{key} = ")]
            assert line.endswith("}")

    def test_reading_from_several_threads(self, potential):
        data, found = potential.to_bytes(), []
        threads = [threading.Thread(target=lambda: found.append(Potential.from_bytes(data))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [potential] * 4
