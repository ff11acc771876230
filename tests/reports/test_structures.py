"""Pictures of boundaries."""

import io

import numpy as np
import pytest
from ase.build import bulk
from matplotlib.collections import EllipseCollection, PolyCollection

from betalps.errors import StructureError
from betalps.reports.structures import GRAIN_COLOURS, plot_boundary
from betalps.structures import Size, asymmetric, beta_li3ps4, packed_interface, tilt, twist


@pytest.fixture(scope="module")
def crystal():
    return beta_li3ps4()


@pytest.fixture(scope="module")
def gb(crystal):
    return tilt(crystal, "(120)")


def drawn(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    assert buffer.tell() > 2000
    return buffer.getvalue()


def shapes(axes, kind):
    return next(c for c in axes.collections if type(c) is kind)


def test_two_views_and_the_whole(gb):
    figure = plot_boundary(gb)
    overview, along_x, along_y = figure.axes
    assert "no strain" in figure.get_suptitle()
    assert "disorientation 34.49°" in figure.get_suptitle()
    assert "384 atoms" in figure.get_suptitle()
    assert along_x.get_title().startswith("along x")
    assert along_y.get_title().startswith("along y")
    assert len(overview.lines) == 2  # both boundaries
    drawn(figure)
    assert len(plot_boundary(gb, overview=False).axes) == 2


def test_what_is_drawn_is_what_is_there(gb):
    """A slice of a whole period, as wide as the cell: each PS4 and each Li once."""
    height = gb.cell.array[2, 2]
    figure = plot_boundary(gb, reach=height / 2, depth=gb.cell.lengths()[0], overview=False)
    view = figure.axes[0]
    assert len(shapes(view, PolyCollection).get_paths()) == 48
    assert len(shapes(view, EllipseCollection).get_offsets()) == 144
    places = shapes(view, EllipseCollection).get_offsets()
    assert np.ptp(places[:, 0]) <= gb.cell.lengths()[1]


def test_grains_lie_on_their_sides_of_the_boundary(gb):
    from matplotlib.colors import to_rgb

    def tint(colour):  # fading mixes with white: which of red and blue is more stays
        return colour[0] > colour[2]

    upper_is_red = tint(to_rgb(GRAIN_COLOURS[1]))
    for boundary, sign in ((-1, 1), (0, -1)):
        collection = shapes(plot_boundary(gb, boundary=boundary, overview=False).axes[0], EllipseCollection)
        places, colours = collection.get_offsets(), collection.get_facecolors()
        above = sign * places[:, 1] > 0.5
        below = sign * places[:, 1] < -0.5
        assert all(tint(c) == upper_is_red for c in colours[above])
        assert all(tint(c) != upper_is_red for c in colours[below])


def test_every_kind_can_be_drawn(crystal):
    copper = tilt(bulk("Cu", a=3.6, cubic=True), "(210)")
    slab = tilt(crystal, "(111)", vacuum=8.0)
    twisted = twist(crystal, "(100)", candidate=1)
    mixed = asymmetric(crystal, "(100)", crystal, "(001)", max_strain=0.05, max_area=400, size=Size(separation=13))
    glassy = packed_interface(crystal, "(001)", 1)
    for atoms, title in (
        (copper, "(2 1 0), tilt"),
        (slab, "(1 1 1), tilt"),
        (twisted, "(1 0 0), twist"),
        (mixed, "(1 0 0) against (0 0 1), asymmetric"),
        (glassy, "(0 0 1), amorphous/crystal"),
    ):
        figure = plot_boundary(atoms)
        assert figure.get_suptitle().startswith(title)
        drawn(figure)


def test_the_same_boundary_gives_the_same_picture(gb):
    assert drawn(plot_boundary(gb)) == drawn(plot_boundary(gb))


def test_bad_views(gb, crystal):
    with pytest.raises(StructureError, match="carries no boundary"):
        plot_boundary(crystal)
    with pytest.raises(ValueError, match="boundary 2: the structure has 2, counted from 0"):
        plot_boundary(gb, boundary=2)
    with pytest.raises(ValueError, match=r"reach 0\.0 Å: expected a length above 0"):
        plot_boundary(gb, reach=0.0)
    with pytest.raises(ValueError, match="depth nan Å"):
        plot_boundary(gb, depth=float("nan"))
