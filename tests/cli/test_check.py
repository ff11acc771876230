"""The verb ``check``."""

from betalps.cli.main import main
from betalps.structures import beta_li3ps4


def test_the_bundled_potential_keeps_its_promises(capsys):
    assert main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("forces: ") for line in lines)
    assert all(") ok" in line for line in lines)
    assert len(lines) == 13


def test_a_structure_from_a_file(tmp_path, capsys):
    beta_li3ps4((1, 1, 2)).write(tmp_path / "a.xyz")
    assert main(["check", str(tmp_path / "a.xyz"), "--seed", "3"]) == 0
    assert "stress: " in capsys.readouterr().out


def test_errors_are_one_line(tmp_path, capsys):
    assert main(["check", str(tmp_path / "no.xyz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    atoms = beta_li3ps4()
    atoms.symbols[0] = "Na"
    atoms.write(tmp_path / "na.xyz")
    assert main(["check", str(tmp_path / "na.xyz")]) == 2
    said = capsys.readouterr().err
    assert "Na" in said
    assert said.count("\n") == 1
