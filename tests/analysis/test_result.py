"""Results become JSON."""

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from betalps.analysis import Result


@dataclass(frozen=True, kw_only=True)
class Inner(Result):
    units: ClassVar[dict[str, str]] = {"length": "angstrom"}
    length: float


@dataclass(frozen=True, kw_only=True)
class Outer(Result):
    inner: Inner
    pair: tuple[Inner, float]
    array: np.ndarray
    parameters: dict[str, Any]


def test_everything_in_a_result_is_plain() -> None:
    result = Outer(
        inner=Inner(length=2.0),
        pair=(Inner(length=np.float64(3.0)), np.inf),
        array=np.array([[1.0, np.nan]]),
        parameters={"flag": np.bool_(True), "count": np.int64(3), "none": None, 7: "seven"},
    )
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain == {
        "kind": "Outer",
        "inner": {"kind": "Inner", "length": 2.0, "units": {"length": "angstrom"}},
        "pair": [{"kind": "Inner", "length": 3.0, "units": {"length": "angstrom"}}, None],
        "array": [[1.0, None]],
        "parameters": {"flag": True, "count": 3, "none": None, "7": "seven"},
        "units": {},
    }


def test_fields_may_stay_out_of_the_json() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Wide(Result):
        kept: float
        draws: np.ndarray = field(metadata={"json": False})

    assert Wide(kept=1.0, draws=np.zeros(3)).to_dict() == {"kind": "Wide", "kept": 1.0, "units": {}}
