"""The fixed periodic vectors of the LLS rules, in three arithmetics. NumPy only, no torch."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.rule import Waveform

BasisValues = npt.NDArray[np.float64] | npt.NDArray[np.float32]

LOWEST_RAD, HIGHEST_RAD = 50.0, 512.0
"""First and last frequency, radians per sample (arXiv 2405.15868, section 3)."""


def frequencies(rows: int) -> npt.NDArray[np.float64]:
    """Frequencies f_c of `rows` basis vectors, evenly spaced from 50 to 512 rad/sample."""
    if rows < 1:
        raise SpecError("basis.rows", rows, "a basis has at least one row", "Use the number of classes.")
    return np.linspace(LOWEST_RAD, HIGHEST_RAD, rows)


def _frequencies_float32(rows: int) -> npt.NDArray[np.float32]:
    """Frequencies in single precision as a float32 linspace makes them.

    The step is rounded once; the lower half counts up from the first frequency, the upper half
    counts down from the last, each value rounded once.
    """
    step = float(np.float32((HIGHEST_RAD - LOWEST_RAD) / max(rows - 1, 1)))
    index = np.arange(rows)
    up, down = LOWEST_RAD + step * index, HIGHEST_RAD - step * (rows - 1 - index)
    return np.where((index < rows // 2) | (rows == 1), up, down).astype(np.float32)


def square_basis(
    rows: int, length: int, *, waveform: Waveform = "square", dtype: Literal["float64", "float32"] = "float64"
) -> BasisValues:
    """Basis (rows, length): B[c, t] = sign(sin(f_c t)), t = 0 ... length - 1.

    Parameters
    ----------
    rows, length : basis vectors and samples of each.
    waveform : "cosine" keeps sin(f_c t) itself (a sine, named as the literature names it).
    dtype : "float64" is the definition. "float32" rounds frequencies, arguments and sine to
        single precision as the published implementation does; about 0.2 % of signs differ.

    Source: arXiv 2405.15868, section 3. The column t = 0 is zero in every variant.

    Examples
    --------
    >>> square_basis(2, 4).tolist()
    [[0.0, -1.0, -1.0, -1.0], [0.0, 1.0, -1.0, 1.0]]
    """
    if length < 1:
        raise SpecError("basis.length", length, "a basis has at least one sample", "Use the latent's length.")
    if dtype == "float32":
        arguments: BasisValues = _frequencies_float32(rows)[:, None] * np.arange(length, dtype=np.float32)[None, :]
    else:
        arguments = frequencies(rows)[:, None] * np.arange(length, dtype=np.float64)[None, :]
    sine = np.sin(arguments)
    return np.sign(sine) if waveform == "square" else sine


def phase_basis(rows: int, length: int, *, phase_bits: int = 32) -> npt.NDArray[np.float64]:
    """The square basis as the chip generates it: a phase accumulator per row.

    phase += round(f_c / 2 pi * 2**phase_bits) modulo 2**phase_bits each sample; the top bit is
    the sign (0 is +1); the column t = 0 is forced to zero.

    Source: docs/design.md, the basis. With 32 bits it equals the float64 definition for all shipped networks.
    """
    if not 2 <= phase_bits <= 48:
        raise SpecError("basis.phase_bits", phase_bits, "the accumulator has 2 to 48 bits", "Use 32.")
    turn = 1 << phase_bits
    steps = np.rint(frequencies(rows) / (2 * np.pi) % 1.0 * turn).astype(np.uint64)
    # uint64 products wrap modulo 2**64, a multiple of 2**phase_bits: the low bits stay exact.
    phase = steps[:, None] * np.arange(length, dtype=np.uint64)[None, :] % np.uint64(turn)
    signs = np.where(phase < np.uint64(turn // 2), 1.0, -1.0)
    signs[:, 0] = 0.0
    return signs
