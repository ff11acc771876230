"""What a run is, as data: stages of molecular dynamics, and the protocols made of them. Nothing here runs anything."""

from betalps.protocols.grading import Grading
from betalps.protocols.spec import RunSpec
from betalps.protocols.stage import Stage
from betalps.protocols.standard import (
    AMORPHIZATION,
    PROTOCOLS,
    amorphization,
    heating_equilibration_production,
    single_temperature,
)

__all__ = [
    "AMORPHIZATION",
    "PROTOCOLS",
    "Grading",
    "RunSpec",
    "Stage",
    "amorphization",
    "heating_equilibration_production",
    "single_temperature",
]
