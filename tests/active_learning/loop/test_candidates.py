"""What is worth a label, and what is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_learning.loop import cases
from betalps.active_learning import Choosing, grade, select
from betalps.active_learning.loop.candidates import choose, draw, in_random_order, too_close
from betalps.potentials import Potential
from betalps.structures import beta_li3ps4


@pytest.fixture(scope="module")
def potential():
    plain = Potential.from_level(4, ["Li", "P", "S"], cutoff=5.0, min_dist=1.4, rng=3)
    return select(plain, cases.rattled(6), threads=1).potential


def test_structures_are_drawn_evenly_in_time():
    """Of a run that was heated for 1 ps and held for 60, with as many frames of either, and of one that broke early."""
    long = np.concatenate([np.arange(1, 9) / 8, 1 + 7.5 * np.arange(1, 9)])
    times = [long, np.array([]), np.array([0.1, 0.4])]
    rng, count = np.random.default_rng(1), 4000
    orders = [in_random_order(times, rng) for _ in range(count)]
    everything = [(0, k) for k in range(16)] + [(2, 0), (2, 1)]
    assert all(sorted(order) == everything for order in orders[:10])
    shares = np.array([0.125] * 8 + [7.5] * 8 + [0.1, 0.3])
    shares /= shares.sum()
    found = np.array([[order[0] == one for one in everything] for order in orders]).mean(axis=0)
    assert np.all(np.abs(found - shares) < 5 * np.sqrt(shares * (1 - shares) / count))
    assert in_random_order([], rng) == []


def chosen(potential, frames, room=1000, known=None, **limits):
    settings = Choosing(**{"gamma_max": 1e12, **limits})
    known = known or (lambda frames: [False] * len(frames))
    return choose(potential, frames, settings, gamma_select=2.0, room=room, known=known, threads=1)


def test_maxvol_chooses_what_extrapolates(potential):
    near, far = cases.rattled(3, 0.02, seed=50), cases.rattled(4, 0.2, seed=60)
    for number, atoms in enumerate([*near, *far]):
        atoms.info["number"] = number
    found = chosen(potential, [*near, *far])
    assert (found.candidates, found.rejected, found.cut) == (7, {}, 0)
    assert found.frames
    assert found.wanted == len(found.frames)
    assert {atoms.info["number"] for atoms in found.frames} & {3, 4, 5, 6}
    assert not {atoms.info["number"] for atoms in found.frames} & {0, 1, 2}
    for atoms in found.frames:
        assert atoms.info["grade"] == pytest.approx(grade(potential, [atoms], threads=1).largest[0])
    # once they are trained on, nothing is left to choose of the same
    better = select(potential, [*cases.rattled(6), *found.frames], threads=1).potential
    assert all(g <= 1.01 for g in grade(better, [*found.frames], threads=1).largest)
    assert not chosen(better, found.frames).frames


def test_limits(potential):
    frames = cases.rattled(6, 0.2, seed=70)
    for number, atoms in enumerate(frames):
        atoms.info["number"] = number
    everything = chosen(potential, frames)
    assert len(everything.frames) > 2
    few = chosen(potential, frames, most=2)
    assert (len(few.frames), few.wanted) == (2, everything.wanted)
    assert len(chosen(potential, frames, room=1).frames) == 1
    assert not chosen(potential, frames, room=0).frames
    # in the order they came
    numbers = [atoms.info["number"] for atoms in few.frames]
    assert numbers == sorted(numbers)


def test_what_the_potential_made_up_is_left_out(potential):
    frames = cases.rattled(5, 0.15, seed=80)
    seen = grade(potential, frames, threads=1).seen
    limit = float(np.median(seen))
    for atoms in frames:
        atoms.info["step"] = 10
    assert chosen(potential, frames, gamma_max=limit).rejected == {"grade": 2}
    frames[int(seen.argmax())].info["step"] = 0  # nobody made up what a run begins from
    assert chosen(potential, frames, gamma_max=limit).rejected == {"grade": 1}


def test_contacts_are_left_out(potential):
    good, bad, broken = cases.rattled(3, 0.15, seed=90)
    phosphorus = np.flatnonzero(bad.numbers == 15)
    bad.positions[phosphorus[0]] = bad.positions[phosphorus[1]] + [1.2, 0, 0]
    broken.positions[0, 0] = np.nan
    assert [too_close(atoms, 0.6) for atoms in (good, bad, broken)] == [False, True, True]
    found = chosen(potential, [good, bad, broken])
    assert found.rejected == {"contact": 2}
    assert not too_close(bad, 0.0)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(distance=st.floats(0.5, 3.0), fraction=st.floats(0.2, 1.2))
def test_contacts_are_fractions_of_covalent_radii(distance, fraction):
    from ase import Atoms
    from ase.data import covalent_radii

    pair = Atoms("PLi", [[0, 0, 0], [0.1, 0.2, distance]], cell=[9, 9, 9], pbc=True)
    apart = pair.get_distance(0, 1)
    assert too_close(pair, fraction) == (apart < fraction * (covalent_radii[15] + covalent_radii[3]))


def test_what_was_tried_before_is_left_out(potential):
    frames = cases.rattled(4, 0.25, seed=95)
    found = chosen(potential, frames, known=lambda frames: [True] * len(frames))
    assert (found.frames, found.rejected) == ((), {"known": 4})
    assert chosen(potential, []).frames == ()


@pytest.mark.parametrize("cut", ["periodic", "cluster"])
def test_neighbourhoods_are_cut_out_of_large_structures(potential, cut):
    large = beta_li3ps4((2, 3, 4))
    large.rattle(0.02, seed=1)
    large.positions[300] += [0.6, 0.5, -0.3]
    large.info = {"group": "big", "source": "it/run", "temperature_K": 300.0, "step": 20}
    small = cases.rattled(1, 0.25, seed=3)[0]
    found = chosen(potential, [large, small], largest=250, cut=cut)
    assert found.cut >= 1
    assert all(len(atoms) <= 250 for atoms in found.frames)
    pieces = [atoms for atoms in found.frames if "cut_grade" in atoms.info]
    assert all(atoms.info["group"] == "big" and not too_close(atoms, 0.6) for atoms in pieces)
    assert all(atoms.info["cut_grade"] > 2.0 for atoms in pieces)
    told = found.to_dict()["selected"]
    assert [one["cut"] for one in told] == ["cut_grade" in atoms.info for atoms in found.frames]
    assert chosen(potential, [large], largest=20, cut=cut).rejected["size"] >= 1


def test_spot_checks_are_drawn_whatever_their_grades(potential):
    near, broken, large = cases.rattled(3), cases.rattled(1)[0], beta_li3ps4((2, 2, 3))
    broken.positions[0, 0] = np.nan

    def drawn(count, room=1000, tried=(), frames=(broken, large, *near), beside=()):
        settings = Choosing(gamma_max=1e12, spot_checks=count)
        known = [atoms.positions.round(5).tobytes() for atoms in tried]
        return draw(
            potential,
            iter(frames),
            settings,
            beside=beside,
            room=room,
            known=lambda frames: [atoms.positions.tobytes() in known for atoms in frames],
            threads=1,
        )

    assert not chosen(potential, cases.rattled(3)).frames  # of what was trained on MaxVol wants nothing
    assert len(drawn(2)) == 2
    assert [len(atoms) for atoms in drawn(9)] == [32, 32, 32]
    assert len(drawn(9, room=1)) == 1
    assert len(drawn(9, tried=drawn(1))) == 2
    assert len(drawn(9, beside=drawn(2))) == 1
    assert drawn(0) == drawn(3, frames=()) == []
