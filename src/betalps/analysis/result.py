"""What every analysis hands back: numbers, their units and the parameters they came from, ready for JSON."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from betalps.typing import Json


class Result:
    """Mixin for the frozen dataclasses that analyses return.

    A result names the unit of each of its physical fields in `units` and keeps what it was computed with in a
    field ``parameters``.
    """

    units: ClassVar[dict[str, str]] = {}

    def to_dict(self) -> Json:
        """The result as JSON knows it: lists for arrays, None for what is not finite, and the units.

        Fields whose metadata say ``{"json": False}`` are left out.
        """
        fields = [f for f in dataclasses.fields(self) if f.metadata.get("json", True)]  # type: ignore[arg-type]
        values = {field.name: _plain(getattr(self, field.name)) for field in fields}
        return {"kind": type(self).__name__, **values, "units": dict(self.units)}


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
