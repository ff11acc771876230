"""Equations of state whose minimum and curvature are known."""

import json
import math

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from betalps.analysis.energetics.elasticity import elastic_tensor
from betalps.analysis.energetics.equation_of_state import equation_of_state
from betalps.errors import StructureError

A_CU = 3.5898  # Å


def test_lennard_jones_of_nearest_neighbours():
    """V0 = r0³ / √2, E0 = -6 ε and B = 4 k / (3 a) with k = 72 ε / 2^(1/3) σ² and a = √2 r0."""
    epsilon, sigma = 0.01, 2.5
    r0 = 2 ** (1 / 6) * sigma
    solid = bulk("Ar", "fcc", a=math.sqrt(2) * r0 * 1.003)
    found = equation_of_state(solid, LennardJones(epsilon=epsilon, sigma=sigma, rc=1.2 * r0), span=0.02, points=11)
    shift = 6 * 4 * epsilon * ((1.2 * 2 ** (1 / 6)) ** -12 - (1.2 * 2 ** (1 / 6)) ** -6)  # ASE's at the cutoff
    assert found.volume == pytest.approx(r0**3 / math.sqrt(2), rel=1e-4)
    assert found.energy == pytest.approx(-6 * epsilon - shift, rel=1e-4)
    stiffness = 72 * epsilon / 2 ** (1 / 3) / sigma**2
    assert found.bulk_modulus == pytest.approx(4 * stiffness / (3 * math.sqrt(2) * r0) / units.GPa, rel=5e-3)
    # d ln B / d ln V of twelve and six: B' = 7 + 2/3 of nearest neighbours
    assert found.derivative == pytest.approx(23 / 3, rel=0.05)


def test_bulk_modulus_is_that_of_the_elastic_constants():
    elastic = elastic_tensor(bulk("Cu", a=A_CU), EMT())
    found = equation_of_state(elastic.atoms, EMT(), span=0.03)
    assert found.bulk_modulus == pytest.approx(elastic.bulk_modulus, rel=5e-3)
    np.testing.assert_allclose(found.at(found.volumes), found.energies, atol=5 * found.residual)


def test_shape_kept_is_voigts_modulus_and_shape_relaxed_is_reusss():
    spring = LennardJones(epsilon=0.01, sigma=2.5, rc=4.4)
    solid = Atoms("Ar2", positions=[[0, 0, 0], [1.4, 1.4, 2.0]], cell=[2.8, 2.8, 4.0], pbc=True)
    elastic = elastic_tensor(solid, spring)
    assert elastic.converged
    kept = equation_of_state(elastic.atoms, spring, span=0.01, points=7)
    relaxed = equation_of_state(elastic.atoms, spring, span=0.01, points=7, relax_shape=True)
    assert kept.bulk_modulus == pytest.approx(elastic.bulk_voigt, rel=0.01)
    assert relaxed.bulk_modulus == pytest.approx(elastic.bulk_reuss, rel=0.02)
    np.testing.assert_allclose(relaxed.volumes, kept.volumes, rtol=1e-9)
    assert relaxed.converged


def test_error_is_that_of_noise():
    """Energies with noise of 0.1 meV: the true values lie within a few standard errors."""
    rng = np.random.default_rng(3)
    truth = equation_of_state(bulk("Cu", a=A_CU), EMT(), span=0.05, points=11)

    class Noisy(EMT):
        def calculate(self, *arguments, **named):
            super().calculate(*arguments, **named)
            self.results["energy"] += 1e-4 * rng.normal()

    away = []
    for _ in range(6):
        found = equation_of_state(bulk("Cu", a=A_CU), Noisy(), span=0.05, points=11)
        away += [
            (found.volume - truth.volume) / found.volume_error,
            (found.bulk_modulus - truth.bulk_modulus) / found.bulk_modulus_error,
        ]
    assert 0.1 < np.median(np.abs(away)) < 2.0


def test_progress_and_json():
    told = []
    found = equation_of_state(bulk("Cu", a=A_CU), EMT(), points=5, observer=told.append)
    assert [(p.stage, p.done, p.total) for p in told] == [("equation of state", n, 5) for n in range(6)]
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["units"]["bulk_modulus"] == "GPa"
    assert len(plain["volumes"]) == 5


def test_no_minimum():
    with pytest.raises(StructureError, match="lowest at the smallest of the volumes"):
        equation_of_state(bulk("Cu", a=4.0), EMT(), span=0.02)
    with pytest.raises(StructureError, match="lowest at the largest of the volumes"):
        equation_of_state(bulk("Cu", a=3.3), EMT(), span=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"span": 0.0}, r"span 0\.0: expected a fraction"),
        ({"span": 0.5}, r"span 0\.5: expected a fraction"),
        ({"points": 4}, "points 4: expected at least 5"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        equation_of_state(bulk("Cu"), EMT(), **arguments)
