"""Types of integer arrays. No kernel is imported here, so that codes are read without a compiler."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Int: TypeAlias = Any
"""An integer as a kernel sees it: int64 when compiled, a Python or NumPy integer when not."""

Ints: TypeAlias = NDArray[np.integer[Any]]
"""Codes in the narrowest container that holds them, int8 to int64: a kernel is compiled for each container it meets."""

Wide: TypeAlias = NDArray[np.int64]
"""Sums and products before they are narrowed."""
