"""Reading and writing: every digit survives, and every label is accounted for."""

import lzma
import warnings

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from betalps.datasets import carried_labels, read, stored_labels, with_labels, write, write_cfg
from betalps.datasets.vasp import converged_in_outcar, converged_in_vasprun
from betalps.errors import FormatError

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def copper(seed=0, labelled=True):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=seed)
    if not labelled:
        return atoms
    atoms.calc = EMT()
    return with_labels(
        atoms, {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces(), "stress": atoms.get_stress()}
    )


def same(one, other):
    assert one.get_chemical_symbols() == other.get_chemical_symbols()
    for a, b in ((one.positions, other.positions), (one.cell.array, other.cell.array), (one.pbc, other.pbc)):
        np.testing.assert_array_equal(a, b)
    a, b = stored_labels(one), stored_labels(other)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


class TestWriteAndRead:
    @pytest.mark.parametrize("name", ["a.extxyz", "a.xyz", "a.extxyz.xz", "b.c.extxyz.gz", "A.EXTXYZ.BZ2"])
    def test_every_digit(self, tmp_path, name):
        frames = [copper(seed) for seed in range(3)]
        frames[0].info.update(source="β, hot", temperature_K=300, strain=-0.05, flags=np.array([1, 2]), converged=False)
        frames[1].arrays["site_en"] = np.array([0.1, 1 / 3, -2.0, 1e-17])
        write(frames, tmp_path / name)
        if name == "A.EXTXYZ.BZ2":
            (tmp_path / name).rename(tmp_path / "a.extxyz.bz2")
            name = "a.extxyz.bz2"
        found = read(tmp_path / name)
        assert len(found) == 3
        for one, other in zip(frames, found, strict=True):
            same(one, other)
        info = found[0].info
        assert (info["source"], info["temperature_K"], info["strain"]) == ("β, hot", 300, -0.05)
        assert list(info["flags"]) == [1, 2]
        assert info["converged"] is False or not info["converged"]
        np.testing.assert_array_equal(found[1].arrays["site_en"], frames[1].arrays["site_en"])

    @given(
        positions=arrays(np.float64, (3, 3), elements=NUMBERS),
        forces=arrays(np.float64, (3, 3), elements=NUMBERS),
        stress=arrays(np.float64, 6, elements=NUMBERS),
        energy=NUMBERS,
        lengths=arrays(np.float64, 3, elements=st.floats(0.1, 1e3)),
        pbc=st.tuples(*[st.booleans()] * 3),
    )
    def test_any_numbers(self, tmp_path_factory, positions, forces, stress, energy, lengths, pbc):
        path = tmp_path_factory.mktemp("any") / "a.extxyz"
        atoms = with_labels(
            Atoms("LiPS", positions, cell=lengths, pbc=pbc), {"energy": energy, "forces": forces, "stress": stress}
        )
        write(atoms, path)
        same(atoms, read(path)[0])

    def test_ase_reads_ours_and_we_read_ases(self, tmp_path):
        write(copper(), tmp_path / "a.extxyz")
        same(ase.io.read(tmp_path / "a.extxyz"), copper())
        ase.io.write(tmp_path / "b.traj", [copper(1), copper(2)])
        found = read([tmp_path / "a.extxyz", str(tmp_path / "b.traj")])
        same(found[2], copper(2))
        assert found.origins == (
            (str(tmp_path / "a.extxyz"), 0),
            (str(tmp_path / "b.traj"), 0),
            (str(tmp_path / "b.traj"), 1),
        )
        assert list(found.report.files.values()) == [1, 2]
        assert [len(part) for part in (found[:2], found)] == [2, 3]

    def test_cfg(self, tmp_path):
        write([copper(1), copper(2)], tmp_path / "a.cfg.xz", species=["Cu"])
        assert lzma.decompress((tmp_path / "a.cfg.xz").read_bytes()).startswith(b"BEGIN_CFG")
        found = read(tmp_path / "a.cfg.xz", species=["Cu"])
        np.testing.assert_allclose(found[1].get_stress(), copper(2).get_stress(), rtol=1e-14)
        np.testing.assert_array_equal(found[1].get_forces(), copper(2).get_forces())
        assert len(read(tmp_path / "a.cfg.xz", species=["Cu"], index="-1")) == 1

    @pytest.mark.parametrize("name", ["a.extxyz", "a.cfg"])
    @pytest.mark.parametrize("matrix", [False, True])
    def test_labels_without_a_calculator_are_kept(self, tmp_path, name, matrix):
        """Training takes them from ``info`` and ``arrays``, so a copy of the data must not lose them."""
        right, told = copper(), copper(labelled=False)
        labels = stored_labels(right)
        told.info["energy"] = float(labels["energy"])
        told.info["stress"] = (
            labels["stress"][[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3) if matrix else labels["stress"]
        )
        told.arrays["forces"] = labels["forces"]
        partial = with_labels(copper(), {"forces": labels["forces"]})
        partial.info["energy"] = -1
        both = copper()
        both.info["energy"] = 1e3
        write([told, partial, both], tmp_path / name, species=["Cu"])
        found = read(tmp_path / name, species=["Cu"])
        for label, value in stored_labels(found[0]).items():
            np.testing.assert_allclose(value, labels[label], rtol=1e-14)
        assert [count.present for count in found.report.labels.values()] == [3, 3, 2]
        assert stored_labels(found[1])["energy"] == -1
        assert stored_labels(found[2])["energy"] == labels["energy"]
        assert not found[0].info

    @pytest.mark.parametrize(("name", "value"), [("energy", "low"), ("stress", np.zeros(5))])
    def test_what_cannot_be_the_label_of_its_name_is_refused(self, tmp_path, name, value):
        atoms = copper(labelled=False)
        atoms.info[name] = value
        with pytest.raises(ValueError, match=rf"info\['{name}'\] is .*; expected the {name} in numbers"):
            write(atoms, tmp_path / "a.extxyz")

    def test_which_frames(self, tmp_path):
        write([copper(k) for k in range(5)], tmp_path / "a.extxyz")
        for index, right in ((":", range(5)), ("::2", [0, 2, 4]), ("-1", [4]), ("1:3", [1, 2]), ("0", [0])):
            found = read(tmp_path / "a.extxyz", index=index)
            for atoms, seed in zip(found, right, strict=True):
                same(atoms, copper(seed))

    def test_an_old_file_survives_an_error(self, tmp_path):
        path = tmp_path / "a.extxyz"
        write(copper(), path)
        before = path.read_bytes()
        bad = copper()
        bad.arrays["tensor"] = np.zeros((4, 3, 3))
        with pytest.raises(ValueError, match=r"array 'tensor' is float64 of shape \(4, 3, 3\)"):
            write([copper(), bad], path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["a.extxyz"]

    def test_equal_content_gives_equal_bytes(self, tmp_path):
        for name in ("a.extxyz.gz", "a.extxyz.xz"):
            write(copper(), tmp_path / name)
            before = (tmp_path / name).read_bytes()
            write(copper(), tmp_path / name)
            assert (tmp_path / name).read_bytes() == before


class TestReport:
    def test_counts(self, tmp_path):
        bare, partial, broken = copper(0, labelled=False), copper(1), copper(2)
        partial = with_labels(partial, {"energy": 1.0})
        broken = with_labels(broken, {"energy": np.nan, "forces": broken.get_forces()})
        write([bare, partial, broken, copper(3)], tmp_path / "a.extxyz")
        report = read(tmp_path / "a.extxyz").report
        counts = {name: (c.present, c.missing, c.not_finite) for name, c in report.labels.items()}
        assert counts == {"energy": (3, 1, 1), "forces": (2, 2, 0), "stress": (1, 3, 0)}
        assert (report.frames, report.atoms, report.complete) == (4, 16, False)
        assert "energy: 3 present, 1 missing, 1 not finite" in str(report)
        write(copper(3), tmp_path / "b.extxyz")
        assert read(tmp_path / "b.extxyz").report.complete

    def test_labels_under_other_names_are_told(self, tmp_path):
        atoms, right = copper(0, labelled=False), copper(0)
        labels = stored_labels(right)
        atoms.info["REF_energy"] = float(labels["energy"])
        atoms.arrays["REF_forces"] = labels["forces"]
        matrix = labels["stress"][[0, 5, 4, 5, 1, 3, 4, 3, 2]]
        atoms.info["REF_virial"] = -matrix * atoms.get_volume()
        atoms.info["REF_stress"] = matrix
        write(atoms, tmp_path / "a.extxyz")
        found = read(tmp_path / "a.extxyz")
        assert not stored_labels(found[0])
        assert dict(found.report.ignored) == dict.fromkeys(("REF_energy", "REF_virial", "REF_stress", "REF_forces"), 1)
        assert "REF_energy: in 1 configurations, not taken as a label" in str(found.report)
        keys = {"energy": "REF_energy", "forces": "REF_forces", "virial": "REF_virial"}
        found = read(tmp_path / "a.extxyz", keys=keys)
        assert found.report.labels["stress"].present == 1
        assert dict(found.report.ignored) == {"REF_stress": 1}
        for name, value in stored_labels(found[0]).items():
            np.testing.assert_allclose(value, labels[name], rtol=1e-14)
        same(read(tmp_path / "a.extxyz", keys={**keys, "virial": "none", "stress": "REF_stress"})[0], right)

    def test_a_label_that_keys_name_comes_from_nowhere_else(self, tmp_path):
        """ASE's own energy may be of another method than REF_energy: the two must not mix."""
        frames = [copper(k) for k in range(4)]
        for atoms in frames[:3]:
            atoms.info["REF_energy"] = -7.0
        write(frames, tmp_path / "a.extxyz")
        found = read(tmp_path / "a.extxyz", keys={"energy": "REF_energy"})
        assert [float(stored_labels(atoms).get("energy", 0)) for atoms in found] == [-7, -7, -7, 0]
        assert (found.report.labels["energy"].present, found.report.labels["energy"].missing) == (3, 1)
        assert found.report.labels["forces"].missing == 0
        assert dict(found.report.ignored) == {"energy": 1}
        typo = {"energy": "REF_enrgy", "forces": "REF_forces", "virial": "REF_virial"}
        found = read(tmp_path / "a.extxyz", keys=typo)
        assert [count.present for count in found.report.labels.values()] == [0, 0, 0]
        assert dict(found.report.ignored) == {"REF_energy": 3, "energy": 4, "forces": 4, "stress": 4}

    def test_labels_in_info_count(self, tmp_path):
        """Under ASE's own names, as training takes them; what cannot be a label is none."""
        frames = [copper(k, labelled=False) for k in range(2)]
        frames[0].info.update(energy=-3, stress=np.diag([1.0, 2.0, 3.0]))
        frames[1].info.update(energy="low", stress=[1.0, [2.0]])
        ase.io.write(tmp_path / "a.traj", frames)
        found = read(tmp_path / "a.traj")
        labels = stored_labels(found[0])
        assert labels.keys() == {"energy", "stress"}
        assert labels["stress"].tolist() == [1, 2, 3, 0, 0, 0]
        assert not stored_labels(found[1])
        assert dict(found.report.ignored) == {"energy": 1, "stress": 1}
        assert not stored_labels(read(tmp_path / "a.traj", keys={"energy": "E", "forces": "F", "stress": "S"})[0])

    def test_labels_given_are_the_only_ones(self):
        atoms = copper(labelled=False)
        atoms.info.update(energy=-3.0, stress=np.zeros(6), note="kept")
        atoms.arrays["forces"] = np.ones((4, 3))
        found = with_labels(atoms, {"energy": -4.0})
        assert carried_labels(found) == {"energy": -4.0}
        assert found.info == {"note": "kept"}
        assert carried_labels(atoms).keys() == {"energy", "forces", "stress"}

    def test_free_energy_alone_is_told(self, tmp_path):
        atoms = copper(0, labelled=False)
        atoms.calc = SinglePointCalculator(atoms, free_energy=-3.0)
        ase.io.write(tmp_path / "a.extxyz", atoms)
        assert dict(read(tmp_path / "a.extxyz").report.ignored) == {"free_energy": 1}
        found = read(tmp_path / "a.extxyz", keys={"energy": "free_energy"})
        assert found[0].get_potential_energy() == -3.0

    def test_results_of_another_structure_are_no_labels(self):
        atoms = copper(0)
        atoms.positions[0] += 0.1
        assert stored_labels(atoms) == {}


class TestErrors:
    def test_names(self, tmp_path):
        with pytest.raises(ValueError, match=r"a\.dat: expected a name that ends in \.extxyz, \.xyz, \.cfg"):
            write(copper(), tmp_path / "a.dat")
        for function in (lambda p: write(copper(), p), read):
            with pytest.raises(ValueError, match=r"a\.cfg: \.cfg files name species by numbers; give species"):
                function(tmp_path / "a.cfg")
        with pytest.raises(ValueError, match=r"keys names magmoms; expected some of energy, forces, stress, virial"):
            read(tmp_path / "a.extxyz", keys={"magmoms": "m"})
        with pytest.raises(ValueError, match=r"index is 'last'; expected frames such as"):
            read(tmp_path / "a.extxyz", index="last")
        with pytest.raises(FileNotFoundError, match=r"a\.extxyz"):
            read(tmp_path / "a.extxyz")
        with pytest.raises(OSError, match="missing"):
            write(copper(), tmp_path / "missing" / "a.extxyz")

    @pytest.mark.parametrize(
        "text", ["", "3\n\nLi 0 0 0\n", "2\nenergy=1\nLi 0 0 x\nLi 0 0 0\n", "hello\n", '1\nLattice="1 2"\nLi 0 0 0\n']
    )
    def test_broken_files(self, tmp_path, text):
        path = tmp_path / "a.extxyz"
        path.write_text(text)
        with pytest.raises(FormatError, match=r"a\.extxyz: "):
            read(path)

    def test_broken_compression(self, tmp_path):
        path = tmp_path / "a.extxyz.xz"
        path.write_bytes(b"no xz")
        with pytest.raises(ValueError, match=r"a\.extxyz\.xz: cannot be"):
            read(path)

    @pytest.mark.parametrize(
        ("entry", "keys", "message"),
        [
            ("energy=abc", {}, r"a\.extxyz, frame 0: energy is 'abc', expected numbers"),
            ("REF_energy=abc", {"energy": "REF_energy"}, r"frame 0: REF_energy is 'abc', expected numbers"),
            ("stress=abc", {}, r"a\.extxyz: cannot be read: "),
        ],
    )
    def test_text_for_a_label(self, tmp_path, entry, keys, message):
        (tmp_path / "a.extxyz").write_text(f"1\nProperties=species:S:1:pos:R:3 {entry}\nLi 0 0 0\n")
        with pytest.raises(FormatError, match=message):
            read(tmp_path / "a.extxyz", keys=keys)

    def test_wrong_shapes(self, tmp_path):
        atoms = copper(0, labelled=False)
        atoms.info["e"] = np.array([1.0, 2.0])
        atoms.info["s"] = np.array([1.0, 2.0])
        atoms.info["v"] = np.arange(6.0)
        write(atoms, tmp_path / "a.extxyz")
        with pytest.raises(FormatError, match=r"a\.extxyz, frame 0: energy has shape \(2,\), expected \(\)"):
            read(tmp_path / "a.extxyz", keys={"energy": "e"})
        with pytest.raises(FormatError, match=r"frame 0: s has shape \(2,\), expected \(6,\), \(9,\) or \(3, 3\)"):
            read(tmp_path / "a.extxyz", keys={"stress": "s"})
        atoms.set_cell(None)
        atoms.pbc = False
        write(atoms, tmp_path / "a.extxyz")
        with pytest.raises(FormatError, match="v needs three lattice vectors"):
            read(tmp_path / "a.extxyz", keys={"virial": "v"})


VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <generator><i name="program" type="string">vasp</i></generator>
 <kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray></kpoints>
 <parameters><separator name="electronic"><i type="int" name="NELM">3</i></separator></parameters>
 <atominfo><atoms>1</atoms><types>1</types>
  <array name="atoms"><set><rc><c>Li</c><c>1</c></rc></set></array></atominfo>
 <structure name="initialpos"><crystal><varray name="basis"><v>4 0 0</v><v>0 4 0</v><v>0 0 4</v></varray></crystal>
  <varray name="positions"><v>0 0 0</v></varray></structure>
 {steps}
</modeling>
"""
STEP = """<calculation>{scf}
 <structure><crystal><varray name="basis"><v>4 0 0</v><v>0 4 0</v><v>0 0 4</v></varray></crystal>
  <varray name="positions"><v>0 0 0</v></varray></structure>
 <varray name="forces"><v>0 0 {n}</v></varray>
 <varray name="stress"><v>10 0 0</v><v>0 10 0</v><v>0 0 10</v></varray>
 <energy><i name="e_fr_energy">{n}</i><i name="e_wo_entrp">{n}</i><i name="e_0_energy">{n}</i></energy>
</calculation>"""
SCF = """<scstep><energy><i name="e_fr_energy">{n}</i><i name="e_wo_entrp">{n}</i>
 <i name="e_0_energy">{n}</i></energy></scstep>"""


class TestVASP:
    def test_vasprun(self, tmp_path):
        """Steps of two, three (all that NELM allows) and one iteration; stress in kB of the other sign."""
        steps = "\n".join(STEP.format(scf=SCF.format(n=-k) * count, n=-k) for k, count in ((1, 2), (2, 3), (3, 1)))
        path = tmp_path / "vasprun.xml"
        path.write_text(VASPRUN.format(steps=steps))
        found = read(path)
        assert [atoms.get_potential_energy() for atoms in found] == [-1, -2, -3]
        assert [atoms.info.get("converged") for atoms in found] == [None, False, None]
        assert found.report.unconverged == 1
        assert found[0].get_stress()[0] == pytest.approx(-10 * 0.1 / 160.21766208)
        assert [atoms.info.get("converged") for atoms in read(path, index="1:")] == [False, None]

    def test_outcar(self):
        old = " FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n\n\n\n\n"  # VASP 5 says nothing where NELM ends the loop
        good = "---- aborting loop because EDIFF is reached ----\n" + old
        bad = "---- aborting loop EDIFF was not reached (unconverged) ----\n" + old
        assert converged_in_outcar(good + bad + good + old) == [True, False, True, False]

    @pytest.mark.parametrize(
        ("cut", "marks"),
        [
            ("<time>", [None, False]),  # behind the energy of the second step, which took all that NELM allows
            ('<varray name="forces"><v>0 0 -2</v>', [None]),  # before it: ASE leaves that step out
        ],
    )
    def test_a_cut_off_vasprun_is_marked_as_far_as_it_goes(self, tmp_path, cut, marks):
        steps = "\n".join(STEP.format(scf=SCF.format(n=-k) * count, n=-k) for k, count in ((1, 2), (2, 3)))
        text = VASPRUN.format(steps=steps.removesuffix("</calculation>") + "<time>")
        path = tmp_path / "vasprun.xml"
        path.write_text(text[: text.index(cut) + len(cut)])
        found = read(path)
        assert [atoms.info.get("converged") for atoms in found] == marks
        assert found.report.unconverged == marks.count(False)
        assert converged_in_vasprun("<modeling><calculation>") == []

    def test_a_cut_off_outcar_has_the_steps_that_ase_finds(self):
        text = (
            "---- aborting loop because EDIFF is reached ----\n FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n"
            + "\n" * 4
        )
        assert converged_in_outcar(text + text) == [True, True]
        assert converged_in_outcar(text + text[:-2]) == [True]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("OUTCAR", ""),
            ("OUTCAR", " vasp.6.4.1\n executed on LinuxGNU\n running on 4 total cores\n"),
            ("OUTCAR", " vasp.6.4.1\n   ions per type =   1\n   ISPIN  =  1\n Iteration 1( 1)\n"),
            ("vasprun.xml", ""),
            ("vasprun.xml", "<modeling>"),
        ],
    )
    def test_a_run_killed_early_names_its_file(self, tmp_path, name, text):
        (tmp_path / name).write_text(text)
        with pytest.raises(FormatError, match=f"{name}: "):
            read(tmp_path / name)


def test_reference_data(shared):
    """The labelled frames to train on: complete, and twins of each other in both formats."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read(shared / "data/teacher-l3i5/valid.extxyz.xz")
        assert found.report.complete
        assert len(found) == 48
        one = read(shared / "reference/mtp/cfgs/inputs.cfg", species=["Li", "P", "S"])
        other = read(shared / "reference/mtp/cfgs/inputs.extxyz")
    assert len(one) == len(other) == 13
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.positions, b.positions, atol=1e-12)


def test_write_cfg_compressed(tmp_path):
    write_cfg(copper(), tmp_path / "a.cfg.gz", ["Cu"])
    same(
        read(tmp_path / "a.cfg.gz", species=["Cu"])[0],
        with_labels(copper(), stored_labels(read(tmp_path / "a.cfg.gz", species=["Cu"])[0])),
    )
