"""Spot checks: structures of the runs, drawn at random, whatever their grades."""

import numpy as np
import pytest

from active_learning.loop import cases
from betalps import MTP
from betalps.datasets import read
from betalps.potentials import Potential
from betalps.reports import render_learning_report


def test_spot_checks(tmp_path):
    """Drawn at random from runs, labelled, held against the potential that made them, and trained on."""
    study = cases.learning(
        tmp_path / "study", executor=cases.Here(), selection={"spot_checks": 3}, budget={"iterations": 1}
    )
    study.run()
    place = study.folder / "iteration-01"
    labelled = read(place / "labelled.extxyz.xz").frames
    drawn = [atoms for atoms in labelled if atoms.info.get("drawn")]
    assert len(drawn) == 3
    assert len({atoms.info["source"] for atoms in drawn}) > 1
    assert len(labelled) > 3  # and what MaxVol chose
    first, last = (entry for entry in study.results()["iterations"])
    assert last["fit"]["frames"] == first["fit"]["frames"] + len(labelled)
    assert [one["drawn"] for one in last["select"]["selected"]].count(True) == last["select"]["drawn"] == 3
    before = Potential.read(study.folder / "iteration-00" / "potential.almtp")
    energies = []
    for atoms in drawn:
        plain = atoms.copy()
        plain.calc = MTP(before, threads=1)
        energies.append(abs(plain.get_potential_energy() - atoms.get_potential_energy()) / len(atoms))
    assert last["label"]["spot_checks"]["energy_mae"] == pytest.approx(1e3 * np.mean(energies), rel=1e-6)
    assert f"3: {1e3 * np.mean(energies):.1f} meV/atom" in render_learning_report(study.results())
