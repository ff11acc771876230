"""MLIP .cfg files, against the .extxyz twins of the reference data."""

import re

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given
from hypothesis import strategies as st

from betalps.datasets import plus_stress_from_stress, read_cfg, stress_from_plus_stress, write_cfg
from betalps.errors import FormatError, SpeciesError

SPECIES = ["Li", "P", "S"]

EXAMPLE = """BEGIN_CFG
 Size
    2
 Supercell
    4.0 0.0 0.0
    0.5 5.0 0.0
    0.0 0.0 6.0
 AtomData:  id type    cartes_x    cartes_y    cartes_z    site_en     fx     fy     fz  nbh_grades
    2 2  0.5 0.25 -1e-1   -1.5   0.1 0.2 0.3   0.9
    1 0  1.0 2.0 3.0      -2.5  -0.1 -0.2 -0.3   1.1
 Energy
    -4.0
 PlusStress:  xx          yy          zz          yz          xz          xy
     1.2 2.4 3.6 -1.2 -2.4 -3.6
 Feature   EFS_by\tMLIP
 Feature   ID\tfirst
 Feature   ID\tand second
END_CFG

"""


def same(a, b, atol=0.0):
    assert a.get_chemical_symbols() == b.get_chemical_symbols()
    np.testing.assert_array_equal(a.pbc, b.pbc)
    np.testing.assert_allclose(a.positions, b.positions, rtol=0, atol=atol)
    np.testing.assert_allclose(a.cell, b.cell, rtol=0, atol=atol)


class TestRead:
    def test_every_field(self):
        (atoms,) = read_cfg(EXAMPLE, SPECIES)
        assert atoms.get_chemical_symbols() == ["Li", "S"]  # in the order of the ids
        np.testing.assert_array_equal(atoms.positions, [[1, 2, 3], [0.5, 0.25, -0.1]])
        np.testing.assert_array_equal(atoms.cell, [[4, 0, 0], [0.5, 5, 0], [0, 0, 6]])
        assert atoms.pbc.all()
        assert atoms.get_potential_energy() == -4.0
        np.testing.assert_array_equal(atoms.get_forces(), [[-0.1, -0.2, -0.3], [0.1, 0.2, 0.3]])
        np.testing.assert_allclose(atoms.get_stress(), np.array([1.2, 2.4, 3.6, -1.2, -2.4, -3.6]) / -120.0)
        np.testing.assert_array_equal(atoms.arrays["site_en"], [-2.5, -1.5])
        np.testing.assert_array_equal(atoms.arrays["nbh_grades"], [1.1, 0.9])
        assert atoms.info == {"EFS_by": "MLIP", "ID": "firstand second"}

    def test_from_a_file(self, tmp_path):
        path = tmp_path / "a.cfg"
        path.write_text(EXAMPLE * 3)
        images = read_cfg(path, SPECIES)
        assert len(images) == 3
        assert len(read_cfg(str(path), SPECIES)) == 3
        same(images[2], read_cfg(EXAMPLE, SPECIES)[0])

    def test_direct_coordinates(self):
        text = re.sub(r"cartes_(.)", r"direct_\1", EXAMPLE)
        (atoms,) = read_cfg(text, SPECIES)
        np.testing.assert_allclose(atoms.get_scaled_positions(wrap=False), [[1, 2, 3], [0.5, 0.25, -0.1]])

    def test_types_may_be_any_integers(self):
        text = EXAMPLE.replace("    2 2 ", "    2 16 ").replace("    1 0 ", "    1 3 ")
        (atoms,) = read_cfg(text, {3: "Li", 16: "S"})
        assert atoms.get_chemical_symbols() == ["Li", "S"]

    def test_fewer_lattice_vectors(self):
        lines = EXAMPLE.splitlines(keepends=True)
        for kept in range(3):
            (atoms,) = read_cfg("".join(lines[: 4 + kept] + lines[7:]), SPECIES)
            assert atoms.pbc.tolist() == [k < kept for k in range(3)]
            assert "stress" not in atoms.calc.results  # there is no volume
            assert atoms.get_potential_energy() == -4.0
        (atoms,) = read_cfg("".join(lines[:3] + lines[7:]), SPECIES)
        assert not atoms.pbc.any()

    def test_without_labels(self):
        lines = EXAMPLE.replace(" site_en     fx     fy     fz  nbh_grades", "").splitlines()
        lines[8:10] = ["1 0 1 2 3", "2 1 4 5 6"]
        (atoms,) = read_cfg("\n".join([*lines[:10], "END_CFG", ""]), SPECIES)
        assert atoms.calc is None

    def test_stress_labels_may_be_in_another_order(self):
        text = EXAMPLE.replace("xx          yy", "yy          xx")
        stress = read_cfg(text, SPECIES)[0].get_stress()
        np.testing.assert_allclose(stress[:2], [-2.4 / 120, -1.2 / 120])

    def test_windows_line_ends(self):
        same(read_cfg(EXAMPLE.replace("\n", "\r\n"), SPECIES)[0], read_cfg(EXAMPLE, SPECIES)[0])


class TestReference:
    @pytest.mark.parametrize("name", ["cfgs/inputs", "cfgs/big1536", "train/train", "grade/eval20"])
    def test_twins(self, shared, name):
        base = shared / "reference/mtp" / name
        images = read_cfg(base.with_suffix(".cfg"), SPECIES)
        twins = ase.io.read(base.with_suffix(".extxyz"), index=":")
        assert len(images) == len(twins)
        for atoms, twin in zip(images, twins, strict=True):
            same(atoms, twin)
            if twin.calc is not None:
                assert atoms.get_potential_energy() == twin.get_potential_energy()
                np.testing.assert_array_equal(atoms.get_forces(), twin.get_forces())
                np.testing.assert_allclose(atoms.get_stress(), twin.get_stress(), rtol=1e-12, atol=1e-17)
        if name == "train/train":
            assert len(images) == 200
            assert all(atoms.calc is not None for atoms in images)

    def test_what_mlp_prints(self, shared):
        folder = shared / "reference/mtp/cfgs"
        printed, inputs = (read_cfg(folder / f"{name}.cfg", SPECIES) for name in ("mlp_calculate_efs_14", "inputs"))
        for atoms, exact in zip(printed, inputs, strict=True):
            same(atoms, exact, atol=6e-7)
            assert atoms.info["ID"] == exact.info["ID"]
            assert atoms.info["EFS_by"] == "MultiMTP53"
            assert {"energy", "forces", "stress"} <= set(atoms.calc.results)

    def test_the_configurations_of_an_active_set(self, shared):
        from betalps.potentials import Potential

        active = Potential.read(shared / "reference/mtp/grade/lps08_as200_nbh.almtp").active_set
        images = read_cfg(active.configurations, SPECIES)
        assert len(images) == active.configuration.max() + 1


class TestSign:
    def test_is_that_of_minus_the_derivative_of_the_energy(self, tmp_path):
        """PlusStress in a written file is -dE/d(strain), by finite differences."""
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell * 1.03, scale_atoms=True)
        atoms.rattle(0.05, seed=3)
        atoms.calc = EMT()
        atoms.get_potential_energy(), atoms.get_stress()
        write_cfg(atoms, tmp_path / "cu.cfg", ["Cu"])
        text = (tmp_path / "cu.cfg").read_text()
        printed = [float(x) for x in text.split("PlusStress:  xx yy zz yz xz xy\n")[1].split("\n")[0].split()]
        step, energies = 1e-5, []
        for sign in (1, -1):
            strained = atoms.copy()
            strained.set_cell(atoms.cell @ np.diag([1 + sign * step, 1, 1]), scale_atoms=True)
            strained.calc = EMT()
            energies.append(strained.get_potential_energy())
        assert printed[0] == pytest.approx(-(energies[0] - energies[1]) / (2 * step), rel=1e-5)
        assert printed[0] < 0  # a stretched crystal pulls

    def test_functions_are_inverse(self):
        stress = np.array([0.1, -0.2, 0.3, 0.01, 0.02, -0.03])
        np.testing.assert_allclose(stress_from_plus_stress(plus_stress_from_stress(stress, 77.0), 77.0), stress)
        assert plus_stress_from_stress(0.5, 4.0) == -2.0


class TestWrite:
    def test_round_trip_is_exact(self, tmp_path):
        rng = np.random.default_rng(1)
        images = []
        for count, pbc in [(1, True), (5, False), (4, [True, True, False]), (3, [True, False, False])]:
            atoms = Atoms(rng.choice(SPECIES, count), rng.normal(size=(count, 3)) * 1e3, cell=rng.normal(size=(3, 3)))
            atoms.pbc = pbc
            atoms.arrays["site_en"] = rng.normal(size=count)
            atoms.arrays["nbh_grades"] = rng.normal(size=count) * 1e-12
            atoms.info["ID"] = f"number {count}"
            results = {"energy": rng.normal(), "forces": rng.normal(size=(count, 3))}
            if atoms.pbc.all():
                results["stress"] = rng.normal(size=6)
            atoms.calc = SinglePointCalculator(atoms, **results)
            images.append(atoms)
        write_cfg(images, tmp_path / "a.cfg", SPECIES)
        for atoms, again in zip(images, read_cfg(tmp_path / "a.cfg", SPECIES), strict=True):
            atoms.cell[~atoms.pbc] = 0  # the format has no room for these
            same(atoms, again)
            assert again.info == atoms.info
            for name in ("site_en", "nbh_grades"):
                np.testing.assert_array_equal(again.arrays[name], atoms.arrays[name])
            assert set(again.calc.results) == set(atoms.calc.results)
            for name, value in atoms.calc.results.items():
                np.testing.assert_allclose(again.calc.results[name], value, rtol=1e-15 if name == "stress" else 0)

    def test_stale_results_are_not_written(self, tmp_path):
        (atoms,) = read_cfg(EXAMPLE, SPECIES)
        atoms.positions += 0.1 * np.arange(6).reshape(2, 3)
        write_cfg(atoms, tmp_path / "a.cfg", SPECIES)
        assert read_cfg(tmp_path / "a.cfg", SPECIES)[0].calc is None

    def test_only_what_a_line_can_hold_becomes_a_feature(self, tmp_path):
        atoms = Atoms("Li", pbc=False)
        atoms.info = {"a": 1, "b": 2.5, "two words": 1, "c": "x\ny", "d": [1], "e": "", "f": "x y", 3: 4}
        write_cfg(atoms, tmp_path / "a.cfg", SPECIES)
        assert read_cfg(tmp_path / "a.cfg", SPECIES)[0].info == {"a": "1", "b": "2.5", "f": "x y"}

    def test_refused(self, tmp_path):
        path = tmp_path / "a.cfg"
        with pytest.raises(SpeciesError, match="Cu is not among the species"):
            write_cfg(Atoms("Cu"), path, SPECIES)
        with pytest.raises(ValueError, match="not finite"):
            write_cfg(Atoms("Li", positions=[[np.nan, 0, 0]]), path, SPECIES)
        with pytest.raises(ValueError, match="the format can only say that the first cell vectors are periodic"):
            write_cfg(Atoms("Li", cell=[3, 3, 3], pbc=[False, True, True]), path, SPECIES)
        assert not path.exists()


MALFORMED = {
    "not a cfg": ("BEGIN_CFG", "BEGIN", "line 1: found 'BEGIN', expected BEGIN_CFG"),
    "size": ("    2\n", "    two\n", "line 3: found 'two', expected an integer from 1"),
    "no atoms": ("    2\n", "    0\n", "line 3: found '0', expected an integer from 1"),
    "huge size": ("    2\n", "    999999999\n", "line 11: found 'Energy', expected 10 columns"),
    "more atoms": ("    2\n", "    1\n", "line 9: found '2', expected an integer from 1 to 1"),
    "cell": ("0.5 5.0 0.0", "0.5 5.0", "line 6: found '0.5 5.0', expected 3 numbers"),
    "flat cell": ("0.0 0.0 6.0", "4.5 5.0 0.0", "expected three linearly independent vectors in Supercell"),
    "nan": ("-1e-1", "nan", "line 9: found 'nan', expected a finite number"),
    "overflow": ("-1e-1", "1e999", "line 9: found '1e999', expected a finite number"),
    "underscore": ("-1e-1", "1_0", "line 9: found '1_0', expected a finite number"),
    "column missing": ("  0.9\n", "\n", r"line 9: found .* expected 10 columns \(id type cartes_x"),
    "no positions": ("cartes_y", "cartes_w", "line 8: .* expected AtomData: id type, then cartes_x"),
    "a force missing": (" fz ", " gz ", "line 8: .* expected all of fx fy fz or none"),
    "id twice": ("    2 2 ", "    1 2 ", "line 10: .* expected the ids 1 to 2, each once"),
    "reserved column": (
        "nbh_grades",
        "positions ",
        "expected a column of AtomData with another name than positions",
    ),
    "energy": ("    -4.0\n", "    -4.0 1\n", "line 12: found '-4.0 1', expected 1 numbers"),
    "stress labels": ("xy\n", "yx\n", "line 13: .* expected PlusStress: xx yy zz yz xz xy"),
    "stress": ("-2.4 -3.6", "-2.4", "line 14: .* expected 6 numbers"),
    "feature": ("EFS_by\tMLIP", "", "line 15: found 'Feature', expected Feature, a name and a value"),
    "unknown section": (" Energy", " Enthalpy", "line 11: found 'Enthalpy', expected Size, Supercell"),
    "twice": (" Feature   ID\tfirst", " Energy\n 1", "line 16: found 'Energy', expected each section once"),
    "order": (" Size\n    2\n", "", "line 6: .* expected Size before AtomData:"),
    "no end": ("END_CFG\n\n", "", "line 18: found the end of the file, expected a section: Size, Supercell"),
    "no direct cell": ("Supercell\n    4.0 0.0 0.0", "Supercell", "three vectors in Supercell"),
}


@pytest.mark.parametrize(("old", "new", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(old, new, message):
    text = (
        EXAMPLE if "direct" not in message and "three vectors" not in message else EXAMPLE.replace("cartes", "direct")
    )
    assert old in text
    with pytest.raises(FormatError, match=message):
        read_cfg(text.replace(old, new, 1), SPECIES)


def test_types_without_a_symbol():
    with pytest.raises(SpeciesError, match=r"<text>, line 9: type 2 has no symbol; species names 0 \(Li\), 1 \(P\)"):
        read_cfg(EXAMPLE, ["Li", "P"])
    for wrong in (["Li", "Li"], ["Xx"], "LiPS"):
        with pytest.raises(SpeciesError):
            read_cfg(EXAMPLE, wrong)


def test_bytes_that_are_not_text(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_bytes(EXAMPLE.encode().replace(b"MLIP", b"\xff"))
    with pytest.raises(FormatError, match=r"a\.cfg, line 15: found the byte 0xff, expected UTF-8 text"):
        read_cfg(path, SPECIES)


def understand(text):
    """Finite structures, or an error that says where and why."""
    images, message = [], None
    try:
        images = read_cfg(text + "\n", SPECIES)
    except FormatError as error:
        message = str(error)
        pattern = r"<text>, line \d+: found .+, expected .+"
    except SpeciesError as error:
        message = str(error)
        pattern = r"<text>, line \d+: type \d+ has no symbol; .+"
    if message is not None:
        assert re.fullmatch(pattern, message, re.DOTALL)
        assert len(message) < 500
    for atoms in images:
        assert np.all(np.isfinite(atoms.positions))
        assert len(atoms) > 0


@given(st.data())
def test_fuzz_characters(data):
    mutant = list(EXAMPLE)
    for position in data.draw(st.lists(st.integers(0, len(mutant) - 1), min_size=1, max_size=6)):
        mutant[position] = data.draw(st.one_of(st.sampled_from("\n\t -.0123456789eE_"), st.characters()))
    understand("".join(mutant))


@given(st.data())
def test_fuzz_lines(data):
    lines = EXAMPLE.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "repeat", "move"]))
        line = lines[at] if change == "repeat" else lines.pop(at)
        if change != "drop":
            lines.insert(data.draw(st.integers(0, len(lines))), line)
    understand("\n".join(lines))


@given(st.data())
def test_fuzz_numbers(data):
    spot = data.draw(st.sampled_from(list(re.finditer(r"-?\d+(\.\d+)?", EXAMPLE))))
    number = data.draw(
        st.sampled_from(["0", "-1", "9" * 30, "9" * 5000, "1e308", "-1e308", "1e-320", "1e999", "inf", "nan", "x", ""])
    )
    understand(EXAMPLE[: spot.start()] + number + EXAMPLE[spot.end() :])


@given(st.integers(0, len(EXAMPLE)))
def test_fuzz_truncation(length):
    understand(EXAMPLE[:length])
