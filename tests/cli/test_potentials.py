"""The verb ``potentials``."""

from betalps.cli.main import main
from betalps.potentials import available, load, model_card


def test_lists_what_there_is(capsys):
    assert main(["potentials"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(available())
    for line in lines:
        potential = load(line.split(":")[0])
        assert f"level {potential.level}, cutoff {potential.cutoff:g} Å, {', '.join(potential.species)}" in line


def test_shows_a_card(capsys):
    name = available()[0]
    assert main(["potentials", name]) == 0
    assert capsys.readouterr().out.rstrip() == model_card(name).rstrip()


def test_unknown_name_is_one_line(capsys):
    assert main(["potentials", "no-such"]) == 2
    said = capsys.readouterr().err
    names = ", ".join(available())
    assert said == f"betalps potentials: no bundled potential is called 'no-such'; there are {names}\n"
