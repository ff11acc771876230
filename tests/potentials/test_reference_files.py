"""Files that MLIP-3 wrote."""

import numpy as np
import pytest

from betalps.potentials import Potential
from conftest import SHARED

FILES = [] if SHARED is None else sorted((SHARED / "reference/mtp").glob("*/*.almtp"))
needs_shared = pytest.mark.skipif(not FILES, reason="reference data not found beside the checkout")


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_and_active_set_survive_a_round_trip(path):
    data = path.read_bytes()
    first = Potential.from_bytes(data)
    again = Potential.from_bytes(first.to_bytes())
    assert again == first
    for name in ("radial_coeffs", "species_coeffs", "moment_coeffs"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    np.testing.assert_array_equal(again.core.products, first.core.products)
    mark = data.find(b"\n#MVS_v1.1\n")
    assert first.has_active_set == (mark >= 0)
    if mark >= 0:
        assert first.to_bytes().endswith(data[mark:])


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_are_those_in_the_text(path):
    """Against Python's own reading of the decimal numbers."""
    potential = Potential.from_bytes(path.read_bytes())
    text = path.read_bytes().split(b"#MVS")[0].decode()
    fields = dict(line.strip().split(" = ", 1) for line in text.splitlines() if " = " in line.strip())
    assert potential.cutoff == float(fields["max_dist"])
    assert potential.min_dist == float(fields["min_dist"])
    assert potential.scaling == float(fields.get("scaling", 1))
    assert potential.fitted == ("moment_coeffs" in fields)
    if potential.fitted:
        expected = [float(number) for number in fields["moment_coeffs"].strip("{}").split(",")]
        np.testing.assert_array_equal(potential.moment_coeffs, expected)
        rows = [line.strip() for line in text.splitlines() if line.startswith("\t\t\t{")]
        numbers = [[float(number) for number in row.strip("{}").split(",")] for row in rows]
        np.testing.assert_array_equal(potential.radial_coeffs, np.reshape(numbers, potential.radial_coeffs.shape))


@pytest.mark.parametrize("name", ["lps08_as200_nbh", "lps08_as200_cfg", "lps14_as_nbh"])
def test_active_sets(shared, name):
    potential = Potential.read(shared / f"reference/mtp/grade/{name}.almtp", ["Li", "P", "S"])
    active = potential.active_set
    unfilled = {"lps08_as200_nbh": 8, "lps08_as200_cfg": 12, "lps14_as_nbh": 29}[name]
    assert active.mode == ("configuration" if name.endswith("cfg") else "neighbourhood")
    assert active.unfilled == unfilled == np.sum(active.configuration < 0)
    assert active.size == potential.coeffs_count
    assert active.weight_scaling == 2
    identity = active.matrix @ active.inverse_transpose.T
    assert np.abs(identity - np.eye(active.size)).max() < 1e-6
    empty = active.matrix[active.configuration < 0]
    assert np.all(np.sort(np.abs(empty), axis=1)[:, -1] == 1e-6)
    assert np.count_nonzero(empty) == unfilled


@needs_shared
@pytest.mark.parametrize("level", range(6, 26, 2))
def test_levels_are_recognised(level):
    potential = Potential.read(SHARED / f"reference/mtp/pots/lps_{level:02d}.almtp")
    assert potential.level == level
    assert potential.fitted
    assert potential.cutoff == 5.0


def test_repulsive_basis(shared):
    assert Potential.read(shared / "reference/mtp/pots/lps_14_repuls.almtp").radial_basis == "RBChebyshev_repuls"
