"""The only file that imports numba: one decorator, one set of compile flags, one cache folder.

Numba's disk cache does not notice an edit in a kernel that another kernel calls, so the folder's
name is a hash of every kernel source and of the versions that compile it. `LLS_HW_CACHE` moves
the folder; a folder that cannot be written turns the disk cache off.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import llvmlite
import numba
import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

KERNELS: dict[str, object] = {}
"""Every compiled function by name, so that a test can walk the signatures really compiled."""


def _cache_folder() -> Path | None:
    """Folder for this exact set of kernels and compilers, or None where none can be written."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    digest.update(f"{numba.__version__} {llvmlite.__version__} {np.__version__} {sys.version}".encode())
    root = os.environ.get("LLS_HW_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(root) / "lls-hw" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


_CACHE = _cache_folder()
if _CACHE is not None:
    setattr(numba.config, "CACHE_DIR", str(_CACHE))  # noqa: B010  (numba declares its options at run time)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop over integer arrays; it releases the GIL so that row ranges run in threads."""
    compiled = numba.njit(nogil=True, cache=_CACHE is not None, error_model="python")(function)
    KERNELS[function.__name__] = compiled
    return cast(Callable[P, R], compiled)
