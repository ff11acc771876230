"""Results as people read them: the right numbers, with units, and figures that draw."""

import io

import numpy as np
import pytest

from analysis.walks import brownian, wrapped
from betalps import analysis
from betalps.analysis import (
    arrhenius,
    bond_angles,
    collective_diffusion,
    combine_runs,
    concentration_profile,
    conductivity,
    crystal_sites,
    density_grid,
    diffusion,
    disorder,
    elastic_tensor,
    equation_of_state,
    jump_activation,
    jumps,
    lattice_parameters,
    paddle_wheel,
    planar_density,
    polyanions,
    radial_distributions,
    regional_diffusion,
    relaxed_lattice,
    reorientation,
    ring_lifetimes,
    rings,
    site_occupancy,
    site_visits,
    survival,
)
from betalps.reports import Quantity, plot_density, present, write_analyses
from betalps.reports.presentation import lines
from betalps.structures import beta_li3ps4, beta_li3ps4_sites, slab_region
from betalps.trajectories import Trajectory


@pytest.fixture(scope="module")
def crystal():
    """A shaken crystal whose cell breathes."""
    atoms, rng = beta_li3ps4((1, 2, 2)), np.random.default_rng(0)
    cells = atoms.cell.array * (1.0 + 1e-3 * rng.normal(size=(120, 1, 1)))
    fractional = atoms.get_scaled_positions() + 0.008 * rng.normal(size=(120, len(atoms), 3))
    moving = atoms.symbols == "Li"
    fractional[:, moving] += np.cumsum(0.01 * rng.normal(size=(120, moving.sum(), 3)), axis=0)
    return Trajectory(symbols=atoms.symbols, fractional=fractional, cells=cells, times=0.1 * np.arange(120), pbc=True)


@pytest.fixture(scope="module")
def walk():
    return wrapped(brownian(np.random.default_rng(1), 400, 80, 0.2))


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=30)
    return file.getvalue()


def of_copper():
    from ase.build import bulk
    from ase.calculators.emt import EMT

    return bulk("Cu", a=3.59, cubic=True), EMT()


def of_sites(trajectory):
    return site_visits(trajectory, crystal_sites(beta_li3ps4_sites()).filling(trajectory.mean_cell))


def hops(kelvin):
    rng = np.random.default_rng(kelvin)
    sites = crystal_sites(simple_cubic())
    chance = 0.2 * np.exp(-0.1 / (8.617e-5 * kelvin))
    step = (rng.random((400, 27, 3)) < chance) * rng.choice([-1, 1], size=(400, 27, 3)) / 3.0
    paths = simple_cubic().get_scaled_positions() + np.cumsum(step, axis=0)
    times = 0.1 * np.arange(400)
    walk = Trajectory(symbols=["Li"] * 27, fractional=paths % 1.0, cells=sites.cell, times=times, pbc=True)
    return jumps(site_visits(walk, sites))


def simple_cubic():
    from ase.build import bulk

    return bulk("Li", "sc", a=3.0, cubic=True).repeat(3)


SHOWN = {
    "diffusion": (lambda c, w: diffusion(w, along=[1.0, 1.0, 0.0]), "D along (0.71, 0.71, 0)", "cm²/s"),
    "replicas": (lambda c, w: combine_runs([diffusion(w), diffusion(w)]), "chance of such a scatter", ""),
    "collective": (lambda c, w: collective_diffusion(w, temperature=600.0), "Haven ratio", ""),
    "regional": (lambda c, w: regional_diffusion(w, slab_region(w.cells[0], 0.0, 14.0)), "D across it", "cm²/s"),
    "survival": (lambda c, w: survival(w, slab_region(w.cells[0], 0.0, 14.0)), "Li inside", ""),
    "conductivity": (
        lambda c, w: conductivity(0.1, (0.05, 0.2), carrier_density=0.02, temperature=300.0),
        "σ at 300 K",
        "mS/cm",
    ),
    "arrhenius": (
        lambda c, w: arrhenius([600, 700, 800, 900], [0.1, 0.2, 0.4, 0.6], [0.01] * 4),
        "activation energy",
        "eV",
    ),
    "rdf": (lambda c, w: radial_distributions(c[::10], r_max=6.0), "S about P", ""),
    "polyanions": (lambda c, w: polyanions(c[::10]), "P in PS4", "%"),
    "angles": (lambda c, w: bond_angles(c[::10]), "mean S–P–S", "°"),
    "reorientation": (lambda c, w: reorientation(c), "rotation rate", "1/ns"),
    "paddle wheel": (lambda c, w: paddle_wheel(c, window=0.5, jump_length=0.4), "correlation at the same time", ""),
    "map": (lambda c, w: planar_density(c), "highest density", "Å⁻²"),
    "density": (lambda c, w: density_grid(c, spacing=1.0), "highest density", "Å⁻³"),
    "profile": (lambda c, w: concentration_profile(c, boundaries=[0.0, 6.2], window=4.0), "excess at 0.0 Å", "Å⁻²"),
    "disorder": (lambda c, w: disorder(c[::20]), "mean S_j", ""),
    "rings": (lambda c, w: rings(c[:2], threshold=5.0), "f_PD, L > 1 Å", ""),
    "ring lifetimes": (lambda c, w: ring_lifetimes(rings(c[:3], threshold=5.0)), "mean lifetime of a ring", "ps"),
    "occupancy": (lambda c, w: site_occupancy(of_sites(c)), "occupancy of 4b", ""),
    "jumps": (lambda c, w: jumps(of_sites(c)), "they lead through the crystal along", ""),
    "activation": (
        lambda c, w: jump_activation({float(kelvin): hops(kelvin) for kelvin in (600, 800, 1000)})[0],
        "1a → 1a 3.00 Å",
        "eV",
    ),
    "lattice": (lambda c, w: lattice_parameters(c), "density", "g/cm³"),
    "relaxed lattice": (lambda c, w: relaxed_lattice(*of_copper()), "energy", "eV/atom"),
    "elastic": (lambda c, w: elastic_tensor(*of_copper()), "shear modulus", "GPa"),
    "equation of state": (lambda c, w: equation_of_state(*of_copper(), points=5), "bulk modulus", "GPa"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_every_result_can_be_shown(name, crystal, walk):
    make, quantity, unit = SHOWN[name]
    shown = present(make(crystal, walk))
    assert shown.title
    found = {one.name: one for one in shown.quantities}
    assert found[quantity].unit == unit
    assert all(one.text for one in shown.quantities)
    for draw in shown.figures.values():
        assert png(draw()).startswith(b"\x89PNG")


def test_no_result_of_an_analysis_is_forgotten():
    """What an analysis returns to the user has a presentation, or is a part of one that has."""
    parts = {
        "Correlation", "Estimate", "FitWindow", "JumpPath", "RadialDistribution", "Residence", "RingLifetime",
        "MeanSquaredDisplacement", "RingMap", "SiteVisits", "PolyanionUnits", "BoundaryEnergy", "Result",
    }  # fmt: skip
    results = {
        name
        for name in analysis.__all__
        if isinstance(getattr(analysis, name), type) and issubclass(getattr(analysis, name), analysis.Result)
    }
    known = {kind.__name__ for kind in present.registry}
    assert results - parts <= known


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(name="", value=1.23456, error=0.0123), "1.235 ± 0.012"),
        (Quantity(name="", value=123.456, error=12.3), "123 ± 12"),
        (Quantity(name="", value=1.23456e-6, error=1.2e-8), "(1.235 ± 0.012)e-06"),
        (Quantity(name="", value=0.0, error=0.5), "0.00 ± 0.50"),
        (Quantity(name="", value=1.23456), "1.235"),
        (Quantity(name="", value=1.23456, error=float("nan")), "1.235"),
        (Quantity(name="", value=float("nan")), "–"),
        (Quantity(name="", value=7), "7"),
        (Quantity(name="", value=1e-5, interval=(5e-6, 2e-5)), "1e-05 (5e-06 to 2e-05)"),
        (Quantity(name="", value="none"), "none"),
    ],
)
def test_numbers_show_what_is_known_of_them(quantity, text):
    assert quantity.text == text


def test_tables_are_aligned():
    table = lines([Quantity(name="a", value=1.0, unit="Å", note="so"), Quantity(name="longer", value=22)])
    assert table == ["a       1   Å  so", "longer  22"]


def test_what_is_no_result():
    with pytest.raises(TypeError, match="no presentation of dict: expected the result of an analysis"):
        present({})


def test_a_density_is_cut_where_it_is_asked_to_be(crystal):
    grid = density_grid(crystal, spacing=0.8)
    figure = plot_density(grid, at=(0.5, 0.25, 0.0))
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert [title[:4] for title in titles] == ["a = ", "b = ", "c = "]
    heights = [float(title[4:]) for title in titles]
    np.testing.assert_allclose(heights, [0.5, 0.25, 0.0], atol=0.5 / min(grid.density.shape))
    cut = round(0.25 * grid.density.shape[1])
    drawn = figure.axes[1].collections[0].get_array()
    np.testing.assert_allclose(np.asarray(drawn), grid.density[:, cut].T, rtol=1e-6)
    with pytest.raises(ValueError, match="at: expected three fractions of the cell vectors, got"):
        plot_density(grid, at=(0.5, np.nan, 0.0))


def test_a_page_of_results(crystal, tmp_path):
    found = {"polyanions": polyanions(crystal[::40]), "polyanions-slab": polyanions(crystal[::60])}
    path = write_analyses(
        found,
        tmp_path / "page.html",
        title="A <run>",
        lead="64 atoms",
        places={"polyanions-slab": "slab"},
        missing={"rings": "no & ring"},
    )
    text = path.read_text()
    assert "<h1>A &lt;run&gt;</h1>" in text
    assert "<h2>Polyanions</h2>" in text
    assert "<h2>Polyanions, slab</h2>" in text
    assert "rings: no &amp; ring" in text
    assert text.count("data:image/svg+xml;base64,") == 2
    assert "$" not in text.split("</style>")[1].split("How it was made")[0]
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
