"""Results of a study, made once by really running one (a few seconds)."""

import pytest

from betalps.studies import StudyConfig, diffusion_study


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    config = StudyConfig(
        temperatures=(700.0, 850.0, 1000.0),
        supercell=(1, 1, 2),
        equilibration=0.5,
        production=12.0,
        frame_interval=0.05,
        boundaries=("Σ5[001]/(2-10)",),
        boundary_temperatures=(850.0,),
        boundary_production=5.0,
        glass_temperatures=(850.0,),
        glass_atoms=64,
        glass_scale=0.001,
        glass_production=5.0,
        workers=1,
    )
    return diffusion_study(config, tmp_path_factory.mktemp("study"))
