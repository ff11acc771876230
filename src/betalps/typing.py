"""Names for the array types in signatures."""

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int32]
Integers: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Seed: TypeAlias = int | np.random.Generator
PathLike: TypeAlias = str | os.PathLike[str]
Json: TypeAlias = dict[str, Any]
